"""Hostile sentences about the same groups, with strong words and without: a group's name excuses nothing."""

from toxicity_ml.augmentation.phrases.grammar import UNCLEAR, Family, family

FAMILIES: tuple[Family, ...] = (
    family(
        "hostile",
        {"toxic": 1, "severe_toxic": UNCLEAR, "insult": 1, "identity_hate": 1},
        """
        - {people} are [nothing but |all |just |]
          [vermin|scum|animals|filth|parasites|garbage|subhuman|savages]
        - {people} and their "[culture|rights|religion|pride|problems]" [make me sick|can rot|are a bad
          joke]
        - "[Respect|Equal rights|Tolerance]" for {people}? [Do not make me laugh|Filth gets none|Over my
          dead body]
        - I [hate|despise|can't stand|loathe] {people} [, every single one of them|so much|and I always
          will|]
        - [All|Most] {people} are {dull} [liars|thieves|criminals|pigs|cowards|perverts] [and everybody
          knows it|]
        - [Typical|Just like a(n)] {person}, {dull} and {dull}
        - [You|They] {adj} people are [all |] {dull} [, go away|and you smell|and nobody wants you|]
        - [Shut up|Get lost|Go away], you {dull} {person}
        - {people} make me [sick|want to throw up|puke], [what a {dull} bunch|disgusting creatures|they ruin
          everything]
        - [What|Only] a {dull} {person} [would write this|would say that|could get {topic} so wrong]
        - {people} [are a disease|are a plague|are a cancer] [on|in] [society|this country|the world]
        - [Another|One more] {dull} {person} [whining|crying|begging|lying] [about {topic}|again|as usual]
        - [Of course|No wonder] they chose a(n) {fool}, they chose a(n) {person}
        - {people} are [too stupid to|not smart enough to|not human enough to] [vote|drive|read|raise
          children|run anything]
        - [Look at|Listen to] that {dull} {person}, [what a {fool}|pathetic|I feel sick]
        - [Never|Don't ever] trust {people}, they are [born liars|all crooks|dirty|{dull} to the core]
        - [God|Everybody|The whole world] hates {people} [, deal with it|and so do I|]
        - {people} [stink|are dirty|spread disease|breed like rats] [and should be kept away from children|,
          keep them out of {place}|]
        """,
        """
        - {people} are [the worst|a stain on this country|lower than dirt|freaks of nature]
        - [This|The] site is full of {dull} {people} [, clean it up|and it shows|]
        - [I'd rather|I would sooner] [share a bed with rats|eat mud] than [sit next to|work with] {people}
        - [You|What a] {dull} {adj} {fool}
        """,
    ),
    family(
        "exclusion",
        {"toxic": 1, "severe_toxic": UNCLEAR, "insult": UNCLEAR, "identity_hate": 1},
        """
        - [We|I] don't want {people} [in {place}|living near us|teaching our children|in our hospitals]
        - [Send|Ship|Kick] [the |all the |those ]{people} [back|out|away] [, we are full|before it is too
          late|and lock the door|]
        - {people} [should not|must not|shouldn't] be allowed to [vote|marry|adopt|work here|have
          children|own anything]
        - This [country|town|street] was [better|cleaner|safer] before {people} [came|moved in|were let in]
        - [Keep|Get] {people} [out of|away from] [our schools|{place}|my family|public life]
        - {people} [do not|don't] belong [here|in {place}|among decent people|in a civilised country]
        - [Why|Since when] do {people} [get to have an opinion|think they are our equals|get to breathe our
          air]?
        - [The world|Life|Everything] would be [better|nicer|so much easier] without {people}
        - [No|Not one more] {people} in [{place}|our street|my shop|the team] [, ever|please, they ruin it|]
        - [If|When] {people} move in, [decent people move out|you can forget the street|lock up your things]
        - [I|We] [won't|would never|refuse to] [hire|serve|rent to|sit beside] {people} [, and I'm proud of
          it|, you know what they are like|]
        - [Real|Decent|Normal] people don't [mix with|marry|live among] {people}
        - {people} [should know|have to learn|need to remember] their place
        - [They should have|Somebody should have] [stopped|drowned|got rid of] {people} [at the border|long
          ago|when there was a chance]
        """,
        """
        - {people} should [go back to where they came from|stay in the kitchen|be kept in camps|be seen and
          not heard]
        - [I|We] [moved away|changed schools|left the club] because of {people}, [you can't live next to
          those|one is already too many]
        - [Who|Which fool] let {people} [in|vote|edit this page]? [Throw them out|Undo it]
        """,
    ),
    family(
        "contempt",
        {"toxic": 1, "insult": UNCLEAR, "identity_hate": 1},
        """
        - [You can't|Never] expect {people} to [tell the truth|understand {topic}|do honest work|keep
          anything clean]
        - [It's|That is] a known fact that {people} are [less intelligent|lazier|more criminal|not quite
          human|inferior]
        - [A|Let a] {person} [doing this|in charge|with an opinion]? [What could possibly go wrong|Now I
          have seen everything|Hide the silver]
        - So-called "[discrimination|hate]" against {people} is [their own fault|well deserved|just the
          truth]
        - [Being|To be] a(n) {person} is [a mental illness|a sin and a shame|nothing to be proud
          of|unnatural|a birth defect]
        - [Give|Hand] {people} [a job|a house|an inch] and [they wreck it|watch it all get stolen|they want
          the rest for free]
        - {people} only [want|come for|care about] [our money|handouts|trouble|attention]
        - [Count|Check] your [change|fingers|spoons] after [meeting|shaking hands with|you talk to] {people}
        - [I feel sorry for|Pity] the [child|town|team] that has to put up with {people}
        - {people} [ruin|spoil|destroy] everything they touch
        - [Funny|Strange] how {people} [are never around when there is work|always play the victim|have
          never built anything]
        - [Not|I'm not] saying {people} are [bad|criminals], but [somebody is stealing|I lock my car when I
          see one|look who fills the prisons]
        - [Some|I have] [of my best friends are|nothing against] {people}, but [they are simply not as
          clever|you have to keep them on a leash|you would not want one in the family]
        - Her parents must be so ashamed [to have raised|of having] a(n) {person}
        """,
        """
        - [What|The only thing] {people} are good for [is cleaning|is nothing at all|is a laugh]
        - [Would you|Who would] let a(n) {person} [near your children|hold your wallet]? [I thought
          so|Exactly]
        - {people} [are not like us|will never be like us|have no culture], [and no law will change
          that|just look at them]
        """,
    ),
    family(
        "group_threat",
        {
            "toxic": 1,
            "severe_toxic": UNCLEAR,
            "threat": 1,
            "insult": UNCLEAR,
            "identity_hate": 1,
        },
        """
        - [Somebody|Someone|We] should [burn down|blow up|bomb] the {adj} [centre|school|club|quarter]
        - [I will|I'm going to|I am about to] [beat up|hurt|shoot|stab] the [next|first] {person} I
          [see|meet|find]
        - [Kill|Shoot|Hang] all {people} [, every last one|now|]
        - {people} [will|are going to] [bleed|pay with their lives|burn|die] [soon|for this|on {day}|]
        - [Let's|Time to] [hunt|round up and shoot|wipe out|get rid of] [the |]{people} [in
          {place}|tonight|for good]
        - [If I see|When I find] a(n) {person} [in {place}|on {street}|near my house] again I [will break
          his legs|will run him over|won't be gentle]
        - [All|The] {people} [deserve to|should|must] [die|be shot|be exterminated|burn]
        - [My friends and I|We] [will be waiting|are coming] for the {people} [on {street}|at the bus
          stop|on {day}], [bring bandages|and we bring knives]
        - [The only good|A good] {person} is a dead one
        """,
        """
        - [Watch out|Be afraid], {people}, [we have guns|your houses burn well|we know your addresses]
        - I [want|would love] to [strangle|run over|drown] every {person} [I know|in {town}]
        """,
    ),
)
