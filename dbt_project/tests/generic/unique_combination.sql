{% test unique_combination(model, columns) %}
-- A grain: fails with one row per combination of the columns that occurs more than once.
select
    {{ columns | join(', ') }},
    count(*) as rows_found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
