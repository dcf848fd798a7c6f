{% test within_reach(model, column_name, key, circular) %}
-- Chains that were followed a bounded number of steps came to an end, or run in a circle that is closed: what stands for
-- the circle stands for itself. Fails with every row whose chain is longer than the steps reach.
select here.*
from {{ model }} as here
left join {{ model }} as lowest
    on
        here.{{ column_name }} = lowest.{{ key }}
        and lowest.{{ column_name }} = lowest.{{ key }}
where
    here.{{ circular }}
    and lowest.{{ key }} is null
{% endtest %}
