{#-
Quantile of the standard normal distribution at p, which is 0.975 (95 % intervals) or 0.999 (99.8 %), as a number for
the formulas of other macros.
-#}
{% macro normal_quantile(p) -%}
    {%- set quantiles = {0.975: 1.959963984540054, 0.999: 3.090232306167813} -%}
    {%- if p not in quantiles -%}
        {{ exceptions.raise_compiler_error('normal_quantile knows p = 0.975 and p = 0.999, not ' ~ p) }}
    {%- endif -%}
    {{ return(quantiles[p]) }}
{%- endmacro %}

{#-
Quantile of the gamma distribution with a whole-number shape of 1 or more (as SQL) and scale 1: half the
quantile of chi-squared with twice the degrees of freedom. p is 0.001, 0.025, 0.975 or 0.999; null for a shape below 1.

Up to a shape of 30 the value is the tabulated one. Beyond, with n = 2 x shape, it is half the expansion of Cornish and
Fisher for chi-squared as Goldberg and Levine give it (Annals of Mathematical Statistics 1946, 17: 216-225; Johnson and
Kotz, Continuous Univariate Distributions 1, chapter 17), n + z sqrt(2n) + 2(z^2 - 1)/3 + ..., to the term in n^(-5/2).
That is within 1e-8 of the quantile at p = 0.025 and 0.975 and within 3e-7 at 0.001 and 0.999, as a share of it.
-#}
{% macro gamma_quantile(p, shape) -%}
    {%- set tabulated = {
        0.001: [
            0.001000500334, 0.045402017769, 0.190533377568, 0.428552413628, 0.739371731918, 1.1071046603,
            1.5203362604, 1.9708139217, 2.4524244044, 2.9605203727, 3.4914842206, 4.0424407904, 4.6110634121,
            5.1954395579, 5.7939755228, 6.4053272914, 7.0283493947, 7.6620563958, 8.3055934185, 8.9582132676,
            9.6192584345, 10.288146776, 10.964359995, 11.64743428, 12.336952636, 13.032538543, 13.733850676,
            14.440578475, 15.152438408, 15.869170797,
        ],
        0.025: [
            0.025317807984, 0.242209278544, 0.618672122896, 1.0898653736, 1.6234863901, 2.2018942535, 2.8143630515,
            3.4538321767, 4.1153730974, 4.7953886961, 5.4911603672, 6.2005751087, 6.921952491, 7.6539302763,
            8.3953861328, 9.1453824536, 9.9031264696, 10.66794078, 11.439241164, 12.216519585, 12.999330984,
            13.787282872, 14.580027037, 15.377252855, 16.178681848, 16.984063216, 17.793170132, 18.605796656,
            19.421755138, 20.240874021,
        ],
        0.975: [
            3.6888794541, 5.5716433909, 7.2246876677, 8.7672730697, 10.241588675, 11.668332079, 13.059474023,
            14.422675362, 15.76318922, 17.084803451, 18.390356042, 19.682038513, 20.961585048, 22.230395918,
            23.489621122, 24.740218871, 25.982997598, 27.218646816, 28.447760268, 29.670853572, 30.888377903,
            32.100730735, 33.308264387, 34.511292895, 35.710097594, 36.904931698, 38.096024083, 39.283582445,
            40.467795943, 41.648837439,
        ],
        0.999: [
            6.907755279, 9.2334134765, 11.228872242, 13.062240779, 14.794149223, 16.454745204, 18.06163684,
            19.626177395, 21.156198166, 22.657373309, 24.133971145, 25.589298889, 27.025981194, 28.446142697,
            29.851532152, 31.243609529, 32.62360873, 33.992583813, 35.351443706, 36.700978759, 38.041881354,
            39.374762114, 40.700162829, 42.018566859, 43.330407595, 44.636075417, 45.935923441, 47.230272321,
            48.519414283, 49.803616535,
        ],
    } -%}
    {%- if p not in tabulated -%}
        {{ exceptions.raise_compiler_error('gamma_quantile knows p = 0.001, 0.025, 0.975 and 0.999, not ' ~ p) }}
    {%- endif -%}
    {%- set z = {
        0.001: -3.090232306167813, 0.025: -1.959963984540054, 0.975: 1.959963984540054, 0.999: 3.090232306167813,
    }[p] -%}
    {%- set root = 2 ** 0.5 -%}
    {#- The polynomials of z are numbers here already: engines see constants. -#}
    {%- set g0 = 2 * (z ** 2 - 1) / 3 -%}
    {%- set g1 = (z ** 3 - 7 * z) / (9 * root) -%}
    {%- set g2 = -(6 * z ** 4 + 14 * z ** 2 - 32) / 405 -%}
    {%- set g3 = (9 * z ** 5 + 256 * z ** 3 - 433 * z) / (4860 * root) -%}
    {%- set g4 = (12 * z ** 6 - 243 * z ** 4 - 923 * z ** 2 + 1472) / 25515 -%}
    {%- set g5 = -(3753 * z ** 7 + 4353 * z ** 5 - 289517 * z ** 3 - 289717 * z) / (9185400 * root) -%}
    {%- set n = '(2.0 * ' ~ shape ~ ')' -%}
    case
        {%- for value in tabulated[p] %}
        when {{ shape }} = {{ loop.index }} then cast({{ value }} as double)
        {%- endfor %}
        when {{ shape }} > 30
            then 0.5 * (
                cast({{ n }} as double) + {{ z * root }} * sqrt({{ n }}) + ({{ g0 }})
                + (
                    ({{ g1 }}) + (
                        ({{ g2 }}) + (
                            ({{ g3 }}) + (({{ g4 }}) + ({{ g5 }}) / sqrt({{ n }})) / sqrt({{ n }})
                        ) / sqrt({{ n }})
                    ) / sqrt({{ n }})
                ) / sqrt({{ n }})
            )
    end
{%- endmacro %}
