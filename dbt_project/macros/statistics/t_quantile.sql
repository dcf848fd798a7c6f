{#-
Quantile of Student's t distribution: the t of a t-based interval, mean ± t × standard error.

p is 0.975 (95 % intervals) or 0.999 (99.8 %); df, the degrees of freedom, is a whole number of 1 or more as SQL; null
for less. Up to 30 degrees the value is the tabulated one. Beyond, it is the normal quantile z with the correction of
Fisher and Cornish (Technometrics 1960, 2: 209-225; Abramowitz and Stegun 26.7.5, with its fifth term):
z + g1(z)/df + … + g5(z)/df^5, which is within 1e-7 of the quantile.
-#}
{% macro t_quantile(p, df) -%}
    {%- set tabulated = {
        0.975: [
            12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252, 2.306004135,
            2.262157163, 2.228138852, 2.200985160, 2.178812830, 2.160368656, 2.144786688, 2.131449546, 2.119905299,
            2.109815578, 2.100922040, 2.093024054, 2.085963447, 2.079613845, 2.073873068, 2.068657610, 2.063898562,
            2.059538553, 2.055529439, 2.051830516, 2.048407142, 2.045229642, 2.042272456,
        ],
        0.999: [
            318.308838986, 22.327124770, 10.214531852, 7.173182220, 5.893429531, 5.207626239, 4.785289629, 4.500790934,
            4.296805663, 4.143700494, 4.024701038, 3.929633265, 3.851982391, 3.787390238, 3.732834425, 3.686154793,
            3.645767380, 3.610484885, 3.579400149, 3.551808343, 3.527153669, 3.504992031, 3.484964375, 3.466777298,
            3.450188727, 3.434997182, 3.421033621, 3.408155178, 3.396240288, 3.385184867,
        ],
    } -%}
    {%- if p not in tabulated -%}
        {{ exceptions.raise_compiler_error('t_quantile knows p = 0.975 and p = 0.999, not ' ~ p) }}
    {%- endif -%}
    {%- set z = {0.975: 1.959963984540054, 0.999: 3.090232306167813}[p] -%}
    {#- The polynomials of z are numbers here already: engines see constants. -#}
    {%- set g1 = (z ** 3 + z) / 4 -%}
    {%- set g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 -%}
    {%- set g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 -%}
    {%- set g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160 -%}
    {%- set g5 = (27 * z ** 11 + 339 * z ** 9 + 930 * z ** 7 - 1782 * z ** 5 - 765 * z ** 3 + 17955 * z) / 368640 -%}
    case
        {%- for value in tabulated[p] %}
        when {{ df }} = {{ loop.index }} then cast({{ value }} as double)
        {%- endfor %}
        when {{ df }} > 30
            then cast({{ z }} as double) + (
                {{ g1 }} + ({{ g2 }} + ({{ g3 }} + ({{ g4 }} + {{ g5 }} / cast({{ df }} as double)) / {{ df }})
                / {{ df }}) / {{ df }}
            ) / {{ df }}
    end
{%- endmacro %}
