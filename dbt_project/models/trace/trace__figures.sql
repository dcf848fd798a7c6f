-- One row per watched figure, month and area: the figure as this build has it, which the next release is compared with.
{{ watched_figures() }}
