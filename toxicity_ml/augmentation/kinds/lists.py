"""Word lists of the kinds: names, and the furniture of comments on news, games, forums and chats."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split("|"))


LISTS = {
    "name": _listed(
        """
        Dana | Tom | Priya | Marco | Lena | Omar | Kevin | Sofia | Yuki | Ben | Fatima | Greg | Ana |
        Pete | Chloe | Ivan
        """
    ),
    "handle": _listed("@mike_77 | @user | @redfox | @jenny | OP | @the_real_tom | @nightowl"),
    "politician": _listed(
        """
        the mayor | the minister | Senator Hill | the governor | the prime minister | our president |
        that senator | the candidate | the speaker | the chancellor | Councillor Reed
        """
    ),
    "official": _listed(
        """
        the council | this government | the board | the school district | the ministry | the police
        chief | the party | the committee
        """
    ),
    "game": _listed(
        "ranked | the raid | this map | the lobby | last match | the tournament | duos | the boss fight"
    ),
    "gadget": _listed(
        """
        printer | router | laptop | phone | update | charger | keyboard | washing machine | car | app |
        website | server | bus | lift
        """
    ),
    "machine": _listed(
        "printer | router | laptop | phone | charger | keyboard | washing machine | car | toaster | drill"
    ),
    "dish": _listed("pizza | curry | soup | coffee | cake | burger | ramen | pie | bread | sandwich"),
    "show": _listed(
        "film | episode | song | game | concert | goal | match | book | trailer | album | season | speech"
    ),
    "relative": _listed(
        """
        your mother | your father | your wife | your husband | your kids | your sister | your brother |
        your parents
        """
    ),
    "pet": _listed("dog | cat | horse | parrot | rabbit"),
    "subject": _listed(
        """
        vaccines | taxes | parking | the election | climate | the new stadium | housing | the schools |
        the border | pensions | petrol prices | the strike
        """
    ),
    "thread": _listed(
        "this thread | this forum | this chat | this channel | the comments | this group | this page"
    ),
    "injury": _listed("a broken leg | cancer | a heart attack | the flu | a stroke | diabetes"),
}
HELD_OUT_LISTS = {
    **LISTS,
    "name": _listed("Noah | Aisha | Viktor | Emily | Raj | Carla | Hugo | Mei"),
    "handle": _listed("@sandra | @oldtimer | @kx9 | the previous poster"),
    "politician": _listed(
        "the deputy | Congresswoman Lee | the foreign secretary | the party leader | the treasurer"
    ),
    "official": _listed("the town hall | the transport agency | the union | parliament"),
    "game": _listed("the finals | that round | the dungeon | co-op"),
    "gadget": _listed("tablet | scanner | heater | ticket machine | modem | tram"),
    "machine": _listed("tablet | scanner | heater | mower | modem | kettle"),
    "dish": _listed("stew | lasagne | dumplings | pancakes | salad"),
    "show": _listed("series | podcast | play | finale | race"),
    "subject": _listed("inflation | the airport | rents | the bridge | water prices"),
}
