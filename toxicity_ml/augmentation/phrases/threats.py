"""Threats in many wordings, beside harmless sentences built of the same parts."""

from toxicity_ml.augmentation.phrases.grammar import UNCLEAR, Family, family

_THREAT = {"toxic": 1, "severe_toxic": UNCLEAR, "threat": 1, "insult": UNCLEAR}

FAMILIES: tuple[Family, ...] = (
    family(
        "threat",
        _THREAT,
        """
        - I [will|am going to|'m gonna] [find|hunt down|track down] you and [break your legs|make you
          pay|hurt you|smash your face]
        - I [will|am going to|'m gonna] [kill|shoot|stab|strangle|beat up] you [, {fool}|{future}|if you
          touch {topic} again|]
        - [If you|Next time you] [edit|delete|touch|mention] {topic} again I [will break your fingers|will
          come to your house|swear I will hurt you]
        - [You are|You're] [going to die|dead|a dead man] [, {fool}|{future}|when I get to {town}|]
        - [Wait|Just wait] until I [get my hands on you|catch you alone|see you on {street}], [you will
          bleed|you won't walk home]
        - [Say|Post] that [again|once more] and [I'll cut your tongue out|you will wake up in hospital|it
          will be the last thing you say]
        - [Someone|Somebody|We] [should|will] [put a bullet in you|set your house on fire|run you over|slit
          your tires and then you] {future}
        - "[Sorry|Please|Mercy]" will not [save you|help you], I [will|'m going to] [hurt you|get you|find
          you] {future}
        - I hope someone [shoots|stabs|runs over] you, and if nobody does [I will|I'll do it myself]
        - [My friends and I|Me and my brothers] are [coming for you|on our way to your house|waiting
          outside], [bring bandages|better run|say your prayers]
        - I [have|own|bought] a [gun|knife|baseball bat] and [I know how to use it on you|your name is on
          it|you are the first]
        - [You will|You'll] be [beaten|shot|buried] [before {day}|{future}|like the rest], [count on it|mark
          my words]
        - [Meet me|Come to {street}|Step outside] and I'll [knock your teeth out|beat you senseless|break
          your nose]
        - [Tell|Warn] your [wife|mother|kids] to [buy a coffin|say goodbye], [you won't see {day}|I'm coming
          {future}]
        - I will [burn|blow up|shoot up] your [house|office|school] [{future}|with you in it|and enjoy it]
        """,
        """
        - [I swear|Believe me], I [will|'m going to] [skin you alive|crush your skull|feed you to my dogs]
        - [One more word|Another lie] and [you lose your teeth|I drive to {town} with an axe]
        - [Your days are numbered|You have a week left to live], [I made sure of it|and I will be the one]
        """,
    ),
    family(
        "veiled_threat",
        _THREAT,
        """
        - I know [where your kids go to school|which bus you take|your address|what time you come home] [,
          {fool}|, think about that|, be careful|]
        - [It would be|Would be] a [shame|pity] if something happened to [you|your family|your house|your
          dog]
        - [You will|You'll] regret [this|ever being born|what you wrote about {topic}] [, I promise|when I
          find you|, wait and see|]
        - [Sleep|Better sleep] with one eye open [from now on|{future}|, {fool}]
        - [I am|I'm] [watching|following] you [and you won't see me coming|wherever you go|, every night|,
          nice curtains by the way]
        - [You have|You've got] [until {day}|one day|ten minutes] to [leave {town}|delete it|disappear], [or
          else|after that I can't protect you|then we come]
        - [Lock|Check] your [doors|windows|car] {future} [, you will need it|, someone is coming|, just a
          friendly warning]
        - [Accidents happen|Brakes fail|People vanish], [especially to people like you|drive carefully
          {future}|you should know that]
        - [Last words|Remember them]: "[accident|robbery|missing]", [that is what they will write about
          you|the police will say when we are done with you]
        - Snitches [end up in ditches|get stitches], [so watch what you say|remember that {future}]
        - [The last one|The last person] who [crossed me|wrote that about {topic}] [is still in hospital|was
          never found]
        - [We will|We'll] [meet|see each other] soon, [you and I|in the dark], and [nobody will hear you|you
          won't like it]
        - [Does your|I wonder if your] [wife|little sister|boss] [know|knows] how easy she is to follow?
        """,
        """
        - I know where you live [, {fool}|]
        - [Nice|Lovely] [house|family|car] you have [there|in {town}], [would be sad to lose it|does it burn
          well]
        - [Keep talking|Go on like this] and [we'll see who visits you {future}|you'll find out what I do to
          people]
        """,
    ),
    family(
        "harmless_counterpart",
        {},
        """
        - I [will|am going to|'m gonna] [find|pick up|meet] you [at the station|on {street}|near the ticket
          office] [{future}|, wear a hat|and we eat {food}]
        - I [will|am going to] [beat|crush|destroy] you at [chess|cards|darts|table tennis] [{future}|,
          prepare yourself|]
        - [If you|Next time you] [edit|move|update] {topic} [again |]I will [help|check the sources|say
          thank you|send you the scans]
        - [You are|You're] [going to love|going to laugh at] [the {work}|the {food}] [{future}|when I get to
          {town}|]
        - [Wait|Just wait] until I [see you on {day}|tell you about the {work}|get to {town}], [you will
          laugh|we have so much to talk about]
        - I know [which bus you take|your address now|what time you come home], so [I'll bring {food}|the
          parcel is on its way|we can share a ride]
        - [It would be|Would be] a [shame|pity] to miss [the {work}|you on {day}|the {food}]
        - [You will|You'll] [regret|be sorry about] missing {topic} [, it was so good|, go {future}|]
        - [I am|I'm] [watching|following] [your {work}|the match|the news about {topic}] [{future}|with the
          kids|, so exciting]
        - [You have|You've got] [until {day}|two weeks] to [hand in your essay|renew the library
          card|apply], [then the form closes|good luck]
        - [Lock|Check] [your bike|the back door|the windows] {future}, [there is a storm coming|the cat gets
          out|please]
        - [My friends and I|Me and my brothers] are [on our way to your house|coming for dinner|waiting
          outside], [we brought {food}|put the kettle on]
        - The police [arrested|charged] a man who [threatened to kill|stabbed|shot at] {who} {when}
        - [In the|In that] {work} [the villain|somebody] [says|whispers] "I will kill you" and [then the
          lights go out|everyone screams]
        - {who} [threatened|said he would hurt] me {when}, [what can I do|should I go to the police|I am
          scared]
        - [He|My grandfather] was [shot|killed|stabbed] in {year} [during the war|near {town}|, says the
          article]
        - I [own|bought|sold] a [gun|knife|bat] for [hunting|cooking|the school team], [it is in the locked
          drawer|second-hand|]
        - [Watch your|Mind your] [head|step], [the door is low|the floor is wet|the {thing} is hot]
        """,
        """
        - Now that I know where you live, [I can bring the {thing} back|let me send flowers]
        - [Nice|Lovely] [house|garden|car] you have there, [did you paint it yourself|what year is it]
        - [One more word|Another line] and the [crossword|page] is [finished|full]
        """,
    ),
)
