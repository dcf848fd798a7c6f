{#-
The group of an ethnic category of the NHS Data Dictionary (16+1); 'unknown' for Z, 99 and null. In the dictionary
Chinese (R) is one of the other groups, in the census of 2021 (`scheme='census'`) one of the Asian ones.
-#}
{% macro ethnic_group(category, scheme='nhs') -%}
    {%- set groups = {'white': 'ABC', 'mixed': 'DEFG', 'asian': 'HJKL', 'black': 'MNP', 'other': 'S'} -%}
    {%- do groups.update({'asian': 'HJKLR'} if scheme == 'census' else {'other': 'RS'}) -%}
    case
        {%- for group, letters in groups.items() %}
        when {{ category }} in ('{{ letters | list | join("', '") }}') then '{{ group }}'
        {%- endfor %}
        else 'unknown'
    end
{%- endmacro %}

{#-
Long-term-condition registers of mental health: those of chapter V of ICD-10 (mental and behavioural disorders), which
has dementia, depression, severe mental illness and learning disability. Every other register is physical.
-#}
{% macro mental_registers() -%}
    {{ return(['DEM', 'DEP', 'LD', 'SMI']) }}
{%- endmacro %}

{#- How many of a list of registers are of mental health. -#}
{% macro mental_conditions(registers) -%}
    (
        {%- for register in linkwork.mental_registers() %}
        case when {{ linkwork.list_has(registers, "'" ~ register ~ "'") }} then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
