{% test always(model, expression) %}
-- An arithmetic identity: fails with every row for which the expression is not true (null counts as not true).
select *
from {{ model }}
where not coalesce({{ expression }}, false)
{% endtest %}
