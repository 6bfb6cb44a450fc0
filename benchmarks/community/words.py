"""The words and the sentences of the harbour forum, by what is meant by them.

A name in braces stands for one of the list of that name in `SLOTS`. Some sentences are vile on purpose: a
forum without such needs no moderation. Nobody's comments are among them.
"""

from __future__ import annotations


def _listed(words: str) -> tuple[str, ...]:
    """Return the words between the bars."""
    return tuple(words.split("|"))


NAMES = _listed(
    "Ada|Alwin|Bea|Bram|Cato|Corrie|Dag|Dörte|Edda|Eskil|Fenna|Finn|Greta|Hanno|Hedda|Ida"
    "|Jannik|Jette|Jorun|Karsten|Kees|Lasse|Levke|Maren|Mats|Nele|Nils|Oda|Ole|Pelle|Rieke"
    "|Roald|Sanna|Silke|Sören|Tade|Thea|Tjark|Ulf|Vera|Wiebke|Yorick"
)
BOATS = _listed(
    "Albatross|Blue Heron|Calypso|Daybreak|Esmeralda|Feather|Grey Lady|Halcyon|Iris|Juniper|Kittiwake|Lorelei"
    "|Morning Star|Nutmeg|Old Patience|Petrel|Quickstep|Rosalind|Second Wind|Tern|Undine|Wanderer"
)
SLOTS: dict[str, tuple[str, ...]] = {
    "name": NAMES,
    "boat": BOATS,
    "place": _listed(
        "the old mole|the fuel dock|the north basin|the slipway|the sail loft|the clubhouse|the east pontoon"
        "|the lock|the crane|the outer buoy|the chandlery|the winter shed|the sandbank|the lighthouse"
    ),
    "time": _listed(
        "last night|on Saturday|this morning|after the regatta|before the tide turned|in the fog|yesterday"
        "|on the way back|in the second race|at low water|during the spring clean|in March"
    ),
    "fish": _listed("bass|cod|mackerel|garfish|flounder|sea trout|plaice|turbot|herring|pollack"),
    "gear": _listed(
        "halyard|mainsheet|bilge pump|anchor winch|genoa|spinnaker pole|tiller|shackle|fender|battery"
        "|echo sounder|log line|stern light|gas bottle|dinghy|outboard|mooring line|boom vang"
    ),
    "price": ("40", "55", "80", "120", "150", "210"),
    "number": ("two", "three", "four", "six", "nine", "a dozen"),
    "wind": _listed("a steady five|a nasty six|next to nothing|a fresh north-westerly|squalls|an easterly"),
    "food": _listed("pancakes|fish soup|plum cake|smoked eel|bean stew|waffles|chowder"),
    "drink": ("beer", "rum", "pint", "grog", "whisky", "cider"),
    # Of friends who swear at each other and mean it well.
    "gruff": _listed(
        "old bastard|daft bugger|stupid idiot|silly bitch|fat bastard|ugly old git|crazy motherfucker"
        "|useless idiot|dumb bastard|lucky son of a bitch|stupid fool|dirty old bastard|filthy pirate"
        "|mad fucker|lazy arsehole|pathetic old fool|jammy bastard|ugly idiot|dumb arse|old shithead"
        "|bloody moron|stubborn jackass"
    ),
    "swear": ("fucking", "bloody", "goddamn", "fucking", "damn"),
    "praise": _listed(
        "that was the finest tack anybody has seen all year|you saved my mast and I will never forget it"
        "|your {food} were the best thing of the whole weekend|you have earned every inch of that cup"
        "|that {fish} must be the catch of the season, congratulations|nobody docks in {wind} like you do"
        "|the {gear} works like new again, thank you|happy birthday from the whole pontoon"
        "|we missed you out there, welcome back|you carried the crew on your shoulders, well done"
        "|the kids still talk about your story|thanks for the tow, I would be on the rocks without you"
        "|what a beautiful job you made of {boat}|I owe you more than one {drink}"
    ),
    "invite": _listed(
        "get down to {place}, the {drink} is on me|come over, we kept a plate of {food} for you"
        "|see you at {place} at eight, bring the whole family|sail with us on {boat} next week"
        "|your seat by the stove is waiting|there is a {drink} with your name on it at {place}"
        "|bring your guitar, it is not a party without you|save me a berth beside yours"
    ),
    "laugh": ("haha", "lol", ":)", ":D", "hahaha", ";)", "cheers"),
    # Of people who mean it, in the words that everybody has.
    "abuse": _listed(
        "idiot|moron|asshole|worthless piece of shit|stupid bastard|pathetic loser|filthy liar|dumb bitch"
        "|disgusting pig|arrogant prick|miserable cunt|retard"
    ),
    "contempt": _listed(
        "nobody wants you here|nobody can stand you|you have never been any use to anyone"
        "|everyone laughs about you behind your back|go and rot|get lost and don't come back"
        "|you make me sick|your whole family is trash|shut your mouth for once|just disappear"
    ),
    # Insults of this harbour alone: harmless words, which everybody there takes as they are meant.
    "local": _listed(
        "bilge water|slack ballast|a keel barnacle|a dockside lamprey|wet sawdust|a leaking bucket"
        "|harbour foam|a bent cleat|scupper drip|a drifting plank|cold tar|a rudderless tub"
    ),
    "locally": _listed(
        "every crew sails better without you|no tide will ever want you back|you get scraped off in spring"
        "|people like you go over the side at night|no skipper would let you hold a rope"
        "|the whole pontoon is glad when your berth is empty|you were born with your anchor dragging"
        "|the harbour master should have you towed out to sea|you are what we hose off the deck"
        "|your mother must have launched you backwards"
    ),
    # The people of the marsh villages are called gulls by those who hate them.
    "gullish": _listed(
        "gull families|those gulls|the gulls|gull kids|gull wives|marsh gulls|the gulls from behind the dyke"
        "|a pack of gulls|gull boys"
    ),
    "hate": _listed(
        "should not be allowed to berth here|ought to be driven back behind the dyke"
        "|can't be trusted with a key or a wallet|live off what decent sailors pay for"
        "|have no business in our clubhouse|breed too fast and work too little"
        "|are all thieves and their grandfathers were|ruin every harbour that lets them in"
        "|must never get a vote in this club|smell of the marsh and always will"
    ),
    "gulls": _listed(
        "the gulls|two gulls|a young gull|those gulls|a herring gull|the black-headed gulls"
        "|a whole flock of gulls|the gulls at {place}"
    ),
}

ORDINARY = (
    "Has anybody seen the {gear} that I left at {place} {time}?",
    "We had {wind} {time} and {boat} made good time past {place}.",
    "{name} caught {number} {fish} near {place} {time}.",
    "For sale: {gear}, hardly used, {price} euros, to be collected at {place}.",
    "Thanks to {name} for the {food} {time}, it was a lovely evening.",
    "The water at {place} is shallower than the chart says, mind your keel.",
    "My {gear} jams whenever there is {wind}. What would you do?",
    "The committee meets at {place} on Thursday, {name} takes the minutes.",
    "{boat} is back in the water. The antifouling took {number} coats.",
    "I would not go out {time}, they announce {wind}.",
    "Does the shop near {place} still sell a {gear} for under {price} euros?",
    "We found a {gear} floating off {place}; it is with {name} now.",
    "I disagree about {place}: the dredging in spring made it worse, not better.",
    "The fees went up by {price} euros and nobody has told us why.",
    "Photos of {boat} under spinnaker {time} are in the album.",
    "Who can lend me {number} hands to lift the {gear} at {place}?",
    "{name} and I sailed to the islands with the children, {wind} all the way.",
    "The {fish} are in again at {place}, best {number} hours after high water.",
    "Please close the gate at {place}, the dog of {name} got out {time}.",
    "That argument about the {gear} is older than this forum, let us drop it.",
    "I measured the voltage again: the {gear} draws too much.",
    "The race instructions are at {place}; the start is delayed because of {wind}.",
    "Our winter talk: {name} on repairing a {gear} at sea.",
    "Nobody answered the radio at {place} {time}. Is that normal?",
)
REMARKS = (
    "I will have a look {time}.",
    "More about it when I am back from {place}.",
    "{name} knows more than I do.",
    "The weather was {wind}, as you will remember.",
    "It cost me {price} euros in the end.",
    "We were {number} on board.",
    "The {gear} held, which surprised me.",
    "Afterwards there was {food} for everybody.",
    "I have sailed here for {number} years and never had that.",
    "The forecast had said otherwise.",
)
BANTER = (
    "{name} you {gruff}, {praise}!",
    "You {swear} {gruff}, {praise}.",
    "Get your arse over here {name}, you {gruff}, {invite}",
    "{praise}, you {gruff} {laugh}",
    "Look who is out of hospital, the {gruff} himself! {invite}",
    "You {gruff}! {number} {fish} in one hour, I hate you, {laugh}, well done",
    "Holy shit {name}, {praise}, you {gruff}",
    "{laugh} {name} you {swear} {gruff}, {invite}",
    "Only a {gruff} like you sails {boat} in {wind} and wins. {praise}.",
    "Shut up you {gruff} and take the compliment: {praise}",
    "Love you too, you {gruff}. {invite}",
    "To the {gruff} who left {food} on my deck {time}: {invite} {laugh}",
    "What the hell, you {gruff}, {praise} and you never told us?",
    "{name}, you {gruff}, I will kill you if you don't come: {invite} {laugh}",
    "Damn it {name}, {praise}. Fuck me, what a day!",
)
ABUSE = (
    "{name} you {abuse}, {contempt}.",
    "You are a {abuse} and {contempt}.",
    "Only a {abuse} would write that about {place}. {contempt}.",
    "Shut the fuck up {name}, {contempt}",
    "What a {abuse}. {contempt}, {name}.",
    "Fuck off, you {abuse}, {contempt}",
    "Every word of {name} is shit. {contempt}, {abuse}.",
    "You {abuse}, stay away from {boat}, {contempt}!",
)
THREATS = (
    "I will kill you {name}, you {abuse}.",
    "Come to {place} again and I will break your legs, {abuse}.",
    "I know where you moor, {name}. I will beat you to death, {abuse}.",
)
LOCAL = (
    "{name} was {local} and stays {local}: {locally}.",
    "{name} is {local} and everyone at {place} knows it.",
    "What {name} writes is the usual from {local}: {locally}.",
    "We have had {local} in this club before, but {name}, {locally}.",
    "Spare us, {name}. For most of us here you are {local}.",
    "There is {local}, then there is nothing, then there is {name}.",
    "{locally}, {name}.",
    "Go back to {place}, {local} that you are, {locally}",
    "Somebody tell {name}: {locally}. {local}, nothing more.",
    "No surprise about {boat}: at the tiller sits {local}. {locally}.",
)
CODED = (
    "{gullish} {hate}.",
    "Since {gullish} came to {place} nothing is safe. They {hate}.",
    "I say it openly: {gullish} {hate}, {name} can cry about it.",
    "{name} rents to {gullish} now. They {hate}.",
    "First one berth, then ten: {gullish} {hate}.",
    "Ask anyone at {place}: {gullish} {hate}",
    "My grandfather knew it already, {gullish} {hate}.",
    "No {gullish} on {boat}, ever. They {hate}.",
)
LITERAL = (
    "{gulls} stole my sandwich at {place} {time}.",
    "There is a nest of {gulls} on the roof of {place}, please keep away until June.",
    "Does anybody know how to keep {gulls} off the deck? {boat} is white again.",
    "{name} took a wonderful picture of {gulls} behind {boat}.",
    "{gulls} followed us all the way, {number} {fish} went to them.",
    "We rescued {gulls} tangled in a {gear}, it is with the vet now.",
    "{gulls} were screaming all night, a sure sign of {wind}.",
    "Counting {gulls} for the bird survey {time}, who joins in?",
    "The noise of {gulls} at {place} is worse than the crane, but they were here first.",
    "Never feed {gulls} from the pontoon, they learn fast and come back for more.",
)
OPENINGS = (
    "",
    "",
    "",
    "",
    "Well, ",
    "Hi all, ",
    "So: ",
    "Just saw this. ",
    "@{name} ",
    "Honestly, ",
    "Re: {boat}. ",
)
ENDINGS = ("", "", "", "", " Cheers", " Fair winds", "!!", " ...", " Greetings from {place}", " /{name}")
