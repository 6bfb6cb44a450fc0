"""The articles that the demo site starts with, written for it."""

from typing import NamedTuple


class SampleArticle(NamedTuple):
    """One article; `days_old` counts back from the day the site is set up."""

    slug: str
    title: str
    standfirst: str
    byline: str
    days_old: int
    body: str


SAMPLE_ARTICLES = (
    SampleArticle(
        slug="market-square-without-cars",
        title="Six weeks without cars on the market square",
        standfirst="The trial ends on Sunday. The council counted bicycles; we counted tomatoes.",
        byline="Ines Okafor",
        days_old=2,
        body="""\
On the first morning the square looked like a stage after the play. Forty-one painted parking bays, no \
cars, and a man with a folding chair who said he had been waiting for this since 1994 and now did not know \
where to sit.

The council promised to measure. It put two counters on the lamp posts and found that a third more people \
crossed the square on foot than in spring. We did our own count, less scientific, from the window of this \
office: eleven arguments, two of them about the trial, and one pram race.

Traders are split. The greengrocer sells more on Saturdays than before and less on Tuesdays. The \
upholsterer, whose customers arrive with armchairs, has drawn a map of the detour and hands it out with a \
sigh. "I am not against it," she says. "I am against finding out from a leaflet."

Bus line 4 is the part nobody disputes. It used to need nine minutes for the last four hundred metres. It \
now needs three, and the drivers have taken to waving.

What happens next is a vote, on the 14th, in the sports hall. Bring an opinion, a chair, and some patience \
for the people who hold the other one.
""",
    ),
    SampleArticle(
        slug="the-library-that-lends-ladders",
        title="The library that lends ladders",
        standfirst="Behind the old fire station you can borrow a tile cutter, a cider press and some advice.",
        byline="Tomasz Lindqvist",
        days_old=9,
        body="""\
A power drill, they say, works for thirteen minutes in its life. The rest of the time it lies in a drawer \
and waits. The tool library behind the old fire station has nineteen drills, and not one of them gets to \
lie down.

It began with a ladder. Three households in Mill Lane had each meant to buy one, and each had a cellar too \
short for it. They bought one together, hung it on an outside wall, and wrote the names of the borrowers in \
chalk. By autumn the wall had become a list, and the list had become an association.

Membership costs what a hammer costs. For that you may borrow four things at a time for a week, and on \
Thursdays somebody shows how not to lose a thumb. Most asked for: the carpet cleaner. Least: the bagpipes, \
which nobody remembers accepting.

Things do break. The rule is to bring the pieces back and say so. "People are more ashamed of a broken \
sander than of a broken promise," says Wilhelmina, who keeps the repair bench. "We tell them: it was going \
to break. It chose you."
""",
    ),
    SampleArticle(
        slug="how-to-listen-to-swifts",
        title="How to listen to swifts before they leave",
        standfirst="They sleep on the wing and come home to the same gap under the same tile.",
        byline="Marguerite Adeyemi",
        days_old=17,
        body="""\
You hear them before you see them: a scream, thin and glad, somewhere over the roofs at supper time. By the \
time you have put down the fork, they are two streets on.

Swifts do nearly everything in the air. They eat there, drink the rain there, and sleep there, climbing at \
dusk to where the wind is steady. A young bird that drops from the nest this week may not touch anything \
solid for two years.

What they need from us is a gap. Two fingers high, four wide, high up and without a ledge for the cat. Old \
roofs are full of such gaps; new ones, well sealed and well meant, have none. A nesting brick costs less \
than a bicycle lamp and can be set while the scaffolding is up anyway.

Go out this week. Stand somewhere with a lot of sky, about an hour before dark, and wait. In the first days \
of August there will be an evening when it is quiet, and you will be glad to have noticed the one before \
it.
""",
    ),
    SampleArticle(
        slug="in-defence-of-boring-soup",
        title="In defence of boring soup",
        standfirst="An onion, a potato, a leek, salt. Nothing is deglazed. Nobody is photographed.",
        byline="Josip Hartley",
        days_old=30,
        body="""\
Last month a reader sent us a recipe with twenty-six ingredients, one of which was smoked. It was a soup. I \
made it, it was very good, and I was tired for two days.

So here is the other one. Cut an onion small and let it go soft in more butter than seems polite. Add a \
leek, then a potato, then water to cover. Salt. Wait until the potato gives in. Eat half as it is; put the \
other half through a sieve on the next day and call it a different dish.

The boring soup asks for nothing. It does not have to be served at once. It forgives the guest who is late, \
the cook who forgot, the child who only wants bread. It is the friend who helps you move.

I am told that it can be improved. I am sure. Write to us below, and be kind: I can take criticism of my \
prose, but this is my grandmother's.
""",
    ),
)
