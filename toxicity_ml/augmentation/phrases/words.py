"""Word lists that templates draw from: groups of people, insults, and the furniture of everyday sentences."""

from typing import NamedTuple


class Group(NamedTuple):
    """How a group of people is named, each time neutrally."""

    adj: str
    people: str
    person: str


def _groups(text: str) -> tuple[Group, ...]:
    return tuple(Group(*(part.strip() for part in line.split("/"))) for line in text.strip().splitlines())


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split("|"))


GROUPS = _groups("""
    Muslim / Muslims / Muslim
    Jewish / Jews / Jewish woman
    Jewish / Jewish people / Jew
    Christian / Christians / Christian
    Hindu / Hindus / Hindu
    Buddhist / Buddhists / Buddhist
    atheist / atheists / atheist
    Protestant / Protestants / Protestant
    Quaker / Quakers / Quaker
    evangelical / evangelicals / evangelical Christian
    black / black people / black woman
    black / Black men / black man
    white / white people / white man
    Asian / Asian people / Asian woman
    Latino / Latinos / Latino man
    Hispanic / Hispanic people / Hispanic woman
    Roma / Roma people / Roma woman
    indigenous / indigenous people / indigenous man
    Native American / Native Americans / Native American
    mixed-race / mixed-race people / mixed-race man
    African / Africans / African
    Mexican / Mexicans / Mexican
    Chinese / Chinese people / Chinese woman
    Indian / Indians / Indian
    Pakistani / Pakistanis / Pakistani
    Polish / Poles / Polish woman
    Turkish / Turks / Turkish man
    Nigerian / Nigerians / Nigerian
    American / Americans / American
    Russian / Russians / Russian
    Ukrainian / Ukrainians / Ukrainian
    Syrian / Syrians / Syrian
    German / Germans / German
    French / French people / Frenchman
    Greek / Greeks / Greek
    Iranian / Iranians / Iranian
    Israeli / Israelis / Israeli
    Palestinian / Palestinians / Palestinian
    Japanese / Japanese people / Japanese man
    Armenian / Armenians / Armenian
    Irish / Irish people / Irishman
    female / women / woman
    female / girls / girl
    male / men / man
    trans / trans people / trans person
    trans / trans women / trans woman
    transgender / transgender people / transgender man
    gay / gay people / gay man
    gay / gay men / gay man
    homosexual / homosexuals / homosexual
    queer / queer people / queer person
    LGBT / LGBT people / gay person
    asexual / asexual people / asexual woman
    disabled / disabled people / disabled person
    blind / blind people / blind man
    autistic / autistic people / autistic woman
    dyslexic / dyslexic people / dyslexic man
    disabled / people in wheelchairs / wheelchair user
    mentally ill / people with schizophrenia / man with schizophrenia
    elderly / old people / old man
    older / older women / older woman
    teenage / teenagers / teenager
    immigrant / immigrants / immigrant
    migrant / migrants / migrant
    foreign / foreigners / foreigner
    homeless / homeless people / homeless man
""")
HELD_OUT_GROUPS = _groups("""
    Sikh / Sikhs / Sikh
    Catholic / Catholics / Catholic
    Mormon / Mormons / Mormon
    Arab / Arabs / Arab
    Kurdish / Kurds / Kurdish woman
    Aboriginal / Aboriginal people / Aboriginal man
    Romanian / Romanians / Romanian
    Somali / Somalis / Somali
    Vietnamese / Vietnamese people / Vietnamese woman
    Albanian / Albanians / Albanian
    lesbian / lesbians / lesbian
    bisexual / bisexual people / bisexual man
    non-binary / non-binary people / non-binary person
    deaf / deaf people / deaf woman
    learning-disabled / people with Down syndrome / man with Down syndrome
    retired / pensioners / pensioner
    refugee / refugees / refugee
""")

_EVERYDAY = {
    "kind": """
        kind | helpful | funny | generous | warm | patient | polite | charming | good-humoured | considerate
        | wonderful | welcoming | cheerful | gentle | thoughtful | the best | a joy to be around | great
        company
    """,
    "street": """
        Mill Lane | Station Road | the High Street | Park Avenue | the harbour | Church Street | the old
        market | the river | our school | the library | the town hall | King Street
    """,
    "day": """
        Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday | the first of May | the
        weekend | bank holidays | Midsummer
    """,
    "when": """
        yesterday | last night | this morning | last week | on Tuesday | years ago | at school | in the
        meeting | on the bus | during the match | on the phone | the other day | in the comments | when I
        was nine | at the bus stop
    """,
    "does": """
        teach maths | drive a tram | bake bread | repair bicycles | play the cello | work nights at the
        hospital | run a small bookshop | keep bees | write software | coach the under-tens | sing in a
        choir | grow tomatoes | paint houses | fly gliders | study law | translate manuals | build boats |
        edit articles about trains | make cheese | look after horses
    """,
    "does_s": """
        teaches maths | drives a tram | bakes bread | repairs bicycles | plays the cello | runs a small
        bookshop | keeps bees | writes software | coaches football | sings in a choir | grows tomatoes |
        paints houses | flies gliders | studies law | translates manuals | builds boats | edits articles
        about trains | makes cheese | looks after horses
    """,
    "doing": """
        teaching maths | driving a tram | baking bread | repairing bicycles | playing the cello | nursing |
        running a small bookshop | keeping bees | writing software | coaching football | singing in a choir
        | gardening | painting houses | flying gliders | studying law | building boats | making cheese
    """,
    "job": """
        doctor | teacher | nurse | bus driver | engineer | baker | lawyer | plumber | dentist | pilot |
        librarian | carpenter | chef | physicist | postman | judge | novelist | football coach | mechanic |
        violinist | surgeon | mayor
    """,
    "food": """
        ramen | soup | lasagne | fresh bread | ice cream | dumplings | chips | my gran's stew | strong
        coffee | chocolate cake | a cold lemonade | mango | roast potatoes | a proper breakfast | tacos |
        apple pie
    """,
    "thing": """
        printer | boiler | laptop | bike lock | zip | can opener | router | dishwasher | lawn mower | alarm
        clock | phone | parking meter | projector | coffee machine | garage door | screen protector
    """,
    "work": """
        film | song | book | gig | match | concert | play | series | album | game | show | finale | lecture
        | exhibition | speech
    """,
    "who": """
        my boss | a stranger | my brother | someone | the coach | my old teacher | an anonymous user | a
        customer | my landlord | the driver behind us | a guy in the queue | one of the editors | his own
        father | my ex | the neighbour | a man on the train | her manager | the other team's captain
    """,
    "topic": """
        the budget | this article | the second paragraph | the referee | climate data | the timetable | the
        new bridge | this map | the translation | that source | the results table | the plot summary |
        opening hours | the infobox | the census figures
    """,
    "place": """
        here | this site | this town | this forum | our street | this country | our school | this team |
        this club | the village | this talk page
    """,
    "number": """
        12 | 17 | 30 | 41 | 58 | 73 | 120 | 200 | 350 | 900 | 1,400 | 2,600
    """,
    "year": """
        1848 | 1871 | 1905 | 1919 | 1932 | 1947 | 1958 | 1969 | 1976 | 1984 | 1992 | 1999 | 2003 | 2011 |
        2016 | 2021
    """,
    "town": """
        Leeds | Bergen | Toledo | Lyon | Dublin | Turin | Austin | Perth | Halifax | Bremen | Seville |
        Tampere | Ghent | Denver | the north | the valley | a small town | the capital
    """,
    "future": """
        tonight | tomorrow | soon | on {day} | after work | next week | one of these days | this weekend |
        at midnight
    """,
}
_INSULTS = _listed("""
    idiot | moron | fool | liar | coward | clown | loser | hypocrite | imbecile | halfwit | dimwit |
    troll | creep | snake | pig | rat | fraud | waste of space | disgrace | crybaby | airhead | jerk |
    cretin | lowlife | worm | simpleton | scumbag | dunce | blockhead | brat
""")
_HELD_OUT_INSULTS = _listed("""
    buffoon | numbskull | weasel | parasite | nitwit | slug | charlatan | maggot | twit | dullard | toad
    | ignoramus
""")
_INSULTING = _listed("""
    stupid | pathetic | worthless | ignorant | dumb | clueless | useless | disgusting | spineless |
    brainless | laughable | gutless | dense | thick | repulsive | vile | moronic | idiotic | shameless |
    brain-dead
""")
_HELD_OUT_INSULTING = _listed("""
    witless | contemptible | feeble-minded | loathsome | gormless | odious | empty-headed
""")

_SHARED = {name: _listed(text) for name, text in _EVERYDAY.items()}
WORDS = _SHARED | {"fool": _INSULTS, "dull": _INSULTING}
HELD_OUT_WORDS = _SHARED | {"fool": _HELD_OUT_INSULTS, "dull": _HELD_OUT_INSULTING}
"""Held-out texts draw their insults from lists of their own."""
