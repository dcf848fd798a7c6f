-- One row per mart, item, figure, month and area: the figure as the release before had it.
select
    mart,
    item,
    figure,
    period_start,
    area_level,
    area_code,
    figure_value
from {{ source('log', 'earlier_figures') }}
