{#- What two ways of writing one code have in common: neither case nor a space around it means anything. -#}
{% macro code_key(code) -%}
    lower(trim({{ code }}))
{%- endmacro %}

{#- Whether a text is a SNOMED CT identifier by its form: 6 to 18 digits. -#}
{% macro is_sctid(code) -%}
    (length({{ code }}) between 6 and 18 and translate({{ code }}, '0123456789', '') = '')
{%- endmacro %}

{#-
Whether the last digit of a SNOMED CT identifier is the right one: Verhoeff's check over the digits from the last to the
first, in the group of a pentagon's turns and flips. `product` is its multiplication table, `turned` the permutation of
each of eight places.
-#}
{% macro verhoeff_holds(code) -%}
    {%- set product = '0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210' -%}
    {%- set turned = [
        '0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'
    ] -%}
    {%- set sum = namespace(sql='0') -%}
    {%- for place in range(18) -%}
        {%- set digit = 'cast(substr(' ~ code ~ ', length(' ~ code ~ ') - ' ~ place ~ ', 1) as integer)' -%}
        {%- set met = "case when length(" ~ code ~ ") > " ~ place ~ " then cast(substr('" ~ turned[place % 8]
            ~ "', " ~ digit ~ " + 1, 1) as integer) else 0 end" -%}
        {%- set sum.sql = "cast(substr('" ~ product ~ "', 10 * " ~ sum.sql ~ " + " ~ met ~ " + 1, 1) as integer)" -%}
    {%- endfor -%}
    ({{ sum.sql }} = 0)
{%- endmacro %}

{#- What a SNOMED CT identifier names, by the two digits before its check digit; null for what is none. -#}
{% macro sctid_names(code) -%}
    case substr({{ code }}, length({{ code }}) - 1, 1)
        when '0' then 'concept'
        when '1' then 'description'
        when '2' then 'relationship'
    end
{%- endmacro %}
