"""What identifies a person in a text, as SQL: the check digit of an NHS number, a CHI number, and what looks like one.

No number is repaired, and nothing here says which it was: only whether the text holds one.
"""

from linkwork import engine

# A CHI number begins with a date of birth (DDMMYY); numbers of England and Wales begin with 4 or higher.
CHI = r"(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])[0-9]{6}"
# What a text must hold to be worth a closer look; then a telephone number or an e-mail address.
SUSPECT = r"@|([0-9][ -]?){10}"
REACHABLE = r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]+\.[A-Za-z]{2}|(^|[^0-9+])(0|\+44)[ -]?[1-37]([ -]?[0-9]){8,9}([^0-9]|$)"
POSTCODE = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
TEN_DIGITS = r"(?:^|[^0-9])([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})(?:[^0-9]|$)"


def check_digit_holds(digits: str) -> str:
    """NHS Data Dictionary: weights 10 to 2, remainder from 11; 11 counts as 0 and 10 is never valid."""
    number = f"try_cast({digits} as bigint)"
    total = " + ".join(f"({number} // {10 ** (10 - i)}) % 10 * {11 - i}" for i in range(1, 10))
    check = f"((11 - ({total}) % 11) % 11)"
    return (
        f"(regexp_full_match({digits}, '\\d{{10}}') and {check} <> 10 and {check} = {number} % 10 "
        # Ten times the same digit passes the arithmetic and is nobody's number.
        f"and {number} % 1111111111 <> 0)"
    )


def is_chi_number(digits: str) -> str:
    """Whether a number that passes the check is a Scottish one; null where it does not have the form."""
    return f"case when regexp_full_match({digits}, {engine.text(CHI)}) then {check_digit_holds(digits)} end"


def found_in(text: str) -> str:
    """Whether an NHS number, an e-mail address or a telephone number stands in a text of anybody's words."""
    numbers = f"regexp_extract_all({text}, {engine.text(TEN_DIGITS)}, 1)"
    digits = "replace(replace(e, ' ', ''), '-', '')"
    return (
        f"case when regexp_matches({text}, {engine.text(SUSPECT)}) then "
        f"regexp_matches({text}, {engine.text(REACHABLE)}) "
        f"or len(list_filter({numbers}, lambda e: {check_digit_holds(digits)})) > 0 else false end"
    )
