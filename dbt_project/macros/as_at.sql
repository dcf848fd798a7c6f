{#- What holds on a day. One row for each asked `keys`, whatever overlaps in `relation`: the row that began last holds; of
    rows that began together the one that ends last, then the one whose fields are the highest. `prefer` stands before
    all that. A row without a first day began at all times, one without a last day goes on. Takes SQL names; `prefer`
    and `fields` are lists of [name, expression] over `asked` and `versions`. The struct `holding` has the fields. -#}
{% macro as_at(asked, keys, code, day, relation, fields, version_code='practice_code', valid_from='valid_from',
    valid_to='valid_to', prefer=[]) -%}
    select
        {% for key in keys -%}
        asked.{{ key }},
        {% endfor -%}
        max({{ pack(prefer + [
            ['began_on', "coalesce(versions." ~ valid_from ~ ", cast('0001-01-01' as date))"],
            ['ended_on', "coalesce(versions." ~ valid_to ~ ", cast('9999-12-31' as date))"],
        ] + fields) }}) as holding
    from {{ asked }} as asked
    inner join {{ relation }} as versions
        on
            asked.{{ code }} = versions.{{ version_code }}
            and asked.{{ day }} >= coalesce(versions.{{ valid_from }}, cast('0001-01-01' as date))
            and asked.{{ day }} <= coalesce(versions.{{ valid_to }}, cast('9999-12-31' as date))
    group by
        {% for key in keys -%}
        asked.{{ key }}{{ ',' if not loop.last }}
        {% endfor -%}
{%- endmacro %}

{#- The practice, network and board that a stated practice code means on a day: one row per code and day that is known.
    The code is read in capitals and without blanks around it. The practice of that code holds while it is open; then
    the practice that took it over; then, for a code of nine characters, the practice that its first six name, of which
    it is a branch. -#}
{% macro practice_as_at(asked, code, day) -%}
    select
        known.stated_code as {{ code }},
        known.asked_on as {{ day }},
        known.holding.organisation_key as organisation_key,
        known.holding.practice_code as practice_code_then,
        known.holding.pcn_code as pcn_code,
        known.holding.icb_code as icb_code,
        case
            when known.holding.is_whole_code = 0 then 'branch'
            when known.holding.practice_code <> known.holding.alias_code then 'successor'
            when known.stated_code <> known.holding.alias_code then 'respelled'
            else 'own'
        end as practice_match
    from (
        {{ as_at(
            asked='(' ~ spellings_of_practice(asked, code, day) ~ ')',
            keys=['stated_code', 'asked_on'],
            code='spelling',
            day='asked_on',
            relation=ref('int_practice_aliases'),
            version_code='alias_code',
            prefer=[['is_whole_code', 'asked.is_whole_code'], ['nearness', 'versions.nearness']],
            fields=[
                ['organisation_key', 'versions.organisation_key'],
                ['practice_code', 'versions.practice_code'],
                ['pcn_code', 'versions.pcn_code'],
                ['icb_code', 'versions.icb_code'],
                ['alias_code', 'versions.alias_code'],
            ],
        ) }}
    ) as known
{%- endmacro %}

{#- The codes under which a stated practice code is looked for: itself, and the practice of a branch. -#}
{% macro spellings_of_practice(asked, code, day) -%}
    select distinct
        {{ code }} as stated_code,
        {{ day }} as asked_on,
        upper(trim({{ code }})) as spelling,
        1 as is_whole_code
    from {{ asked }}
    where {{ code }} is not null and {{ day }} is not null
    union all
    select distinct
        {{ code }} as stated_code,
        {{ day }} as asked_on,
        substr(upper(trim({{ code }})), 1, 6) as spelling,
        0 as is_whole_code
    from {{ asked }}
    where length(trim({{ code }})) = 9 and {{ day }} is not null
{%- endmacro %}
