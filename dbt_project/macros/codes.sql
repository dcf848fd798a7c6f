{#- What two ways of writing one code have in common: neither case nor a space around it means anything. -#}
{% macro code_key(code) -%}
    lower(trim({{ code }}))
{%- endmacro %}

{#- What two ways of writing one name of a national category have in common: neither case nor blanks mean anything. -#}
{% macro category_key(text) -%}
    lower(replace({{ text }}, ' ', ''))
{%- endmacro %}

{#- Whether a text is a SNOMED CT identifier by its form: 6 to 18 digits. -#}
{% macro is_sctid(code) -%}
    (length({{ code }}) between 6 and 18 and translate({{ code }}, '0123456789', '') = '')
{%- endmacro %}

{#-
One row per identifier of a relation with whether its last digit is the right one, by Verhoeff's check: the digits from the
last to the first, each put through the permutation of its place, are turns (0 to 4) and flips (5 to 9) of a pentagon, which
together must leave it as it was. A turn after an odd number of flips goes the other way.
-#}
{% macro verhoeff_checks(relation, code) -%}
    {%- set turned = [
        '0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'
    ] -%}
    select
        {{ code }},
        sum(case when flips_before % 2 = 1 then -turn else turn end) % 5 = 0
        and sum(flip) % 2 = 0 as is_right
    from (
        select
            {{ code }},
            met % 5 as turn,
            case when met >= 5 then 1 else 0 end as flip,
            coalesce(sum(case when met >= 5 then 1 else 0 end) over (
                partition by {{ code }} order by place rows between unbounded preceding and 1 preceding
            ), 0) as flips_before
        from (
            select
                identifiers.{{ code }},
                places.place,
                cast(substr(
                    places.turned,
                    cast(substr(identifiers.{{ code }}, length(identifiers.{{ code }}) - places.place, 1) as integer) + 1,
                    1
                ) as integer) as met
            from {{ relation }} as identifiers
            inner join (
                {%- for place in range(18) %}
                select {{ place }} as place, '{{ turned[place % 8] }}' as turned
                {%- if not loop.last %} union all{% endif %}
                {%- endfor %}
            ) as places on places.place < length(identifiers.{{ code }})
        ) as digits
    ) as moves
    group by {{ code }}
{%- endmacro %}

{#- What a SNOMED CT identifier names, by the two digits before its check digit; null for what is none. -#}
{% macro sctid_names(code) -%}
    case substr({{ code }}, length({{ code }}) - 1, 1)
        when '0' then 'concept'
        when '1' then 'description'
        when '2' then 'relationship'
    end
{%- endmacro %}
