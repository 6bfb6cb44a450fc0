"""Insults with and without strong words, some of them wrapped into quotes, denials and politeness."""

from toxicity_ml.augmentation.phrases.grammar import UNCLEAR, Family, family

FAMILIES: tuple[Family, ...] = (
    family(
        "direct_insult",
        {"toxic": 1, "insult": 1},
        """
        - [You are|You're] a(n) {dull} {fool} [, and everyone knows it|, go away|and always were|]
        - [You|Listen, you] {dull} {fool}, [learn to read|leave {topic} alone|nobody asked you]
        - "{fool}" is [the right|the only|far too kind a] word for you
        - [You call that|So this is] "[research|writing|{work}]"? [Only|Such] a(n) {fool} would
        - "{dull}" [does not even begin to describe you|is your middle name|, that's all I can say to you]
        - {who} [said|wrote] "leave the {fool} alone" but [you are one|you deserve every word], {fool}
        - [I did not say|I never said] you were a(n) {fool}, I said you are a(n) {dull} {fool}
        - [He|She|Everyone] called you a(n) {fool} {when} and [was right|I agree|that was too polite]
        - [Only|What] a(n) {fool} [would write this|would believe that|could misread {topic}]
        - [You're|You are] not [just |]{dull}, you are [the most {dull} person here|worse|a complete {fool}]
        - [How {dull} are you|How {dull} can one person be]? [Read {topic} again|Did you even go to
          school|Get help]
        - [Shut up|Get lost|Go away], {fool}
        - [Your|That] {work} is as {dull} as you are
        - [The|That] {job} [in {place}|on {street}] is a(n) {dull} {fool} and [so are you|should be fired]
        - [Congratulations|Well done], {fool}, you [broke {topic}|ruined the {work}|made everybody laugh at
          you]
        - [There are no stupid questions, but|Everybody makes mistakes, but] you [are just a(n)
          {fool}|manage to be {dull} every time]
        - [My {thing} has|A {thing} has] more [brain|sense|charm] than you, you {fool}
        - [Stop lying|Stop whining|Grow up], you {dull} [little |]{fool}
        - [Reported|Blocked], {fool}. [Enjoy being {dull}|Cry about it]
        - [All|Both] of you are {dull} [, the lot of you|and it shows in {topic}|]
        """,
        """
        - You [must|have to] be the [biggest|most {dull}] {fool} [on earth|I ever met]
        - [Nobody says you are|Don't worry, you are not] {dull}, {fool} is [what we say|the word we use]
        - [Dear|Hey] {fool}, [your opinion is|your edits are] {dull}
        """,
    ),
    family(
        "obscene_insult",
        {"toxic": 1, "severe_toxic": UNCLEAR, "obscene": 1, "insult": 1},
        """
        - [You are|You're] [full of shit|a piece of shit|a fucking {dull} {fool}|an asshole] [, go away|and
          you know it|]
        - [Fuck you|Fuck off|Piss off|Screw you], you {dull} {fool}
        - [What a|Such a] [dumbass|shithead|dickhead], [can't even read {topic}|and {dull} as well|go cry]
        - Shut the fuck up [about {topic}|, {fool}|, nobody cares]
        - [Kiss my ass|Eat shit|Suck it], {fool}
        - [Your|That] {work} is [shit|crap] and you are a(n) {dull} [fuck|ass|prick]
        """,
        """
        - [Get|Take] your head out of your ass, {fool}
        - Who the fuck [do you think you are|asked you], {dull} [prick|bitch]
        """,
    ),
    family(
        "veiled_insult",
        {"toxic": 1, "severe_toxic": 0, "insult": 1},
        """
        - [Nobody|No one] [here |]wants you [around|in {place}], [take the hint|find another hobby|just
          disappear]
        - [Do us all a favour|Do everyone a favour] and [leave|delete your account|never post again|stay at
          home]
        - I have [met bricks|seen doorknobs|owned goldfish] with more [sense|wit|personality] than you
        - [Were you dropped|Did they drop you] on your head as a [child|baby|toddler] [, more than once|, or
          were you born like this|]?
        - Your [so-called|] "[opinion|talent|{work}]" [fools nobody|is an insult to everyone who reads|makes
          babies cry]
        - [Your|Even your own] [mother|family|friends] must be [ashamed of you|sick of you|so disappointed]
        - [Thinking|Reading|Being decent] is clearly not your [strength|thing|talent]
        - [Somewhere|Out there] a tree works hard to make the air you [breathe|waste], [apologise to it|go
          and say sorry]
        - [You bring|You bring us] everyone so much joy when you leave [the room|{place}|]
        - [If|Whenever] you open your mouth [the average intelligence drops|people leave|I lose hope in
          mankind]
        - [You were|You're] [a mistake|an accident] [, your parents said so|and you will stay one|]
        - [People only|They only] [pretend to like you|invite you out of pity|laugh when you are gone, at
          you]
        - [Look in the mirror|Take a look at yourself], [no wonder|that is why] you are alone [on
          {day}|every night|]
        - Everything you [touch|write|say|post|cook] turns into a [mess|joke|disaster|waste of time]
        - [Is there|Isn't there] a [rock|hole|cave] you could crawl back [under|into] [, please|for good|]?
        - You will never [amount to anything|be loved|have a friend] [, and you know it|]
        - [Some people|There are people who] should [not have children|never be let near a keyboard], [you
          are the best proof|thinking of you]
        """,
        """
        - [Nobody|Not a soul] likes you, please leave
        - [You people|People like you] should [go back to where you came from|not be allowed to post|learn
          some manners first]
        - [Ask your parents|I wonder] why they [kept you|never smile in your pictures]
        - [Life|It] must be hard for someone [so far below average|with a face like yours]
        """,
    ),
    family(
        "sarcasm",
        {"toxic": 1, "severe_toxic": 0, "insult": 1},
        "",
        """
        - [Wow|Oh wow|Bravo], [you can type|you found the keyboard all by yourself], [someone give the child
          a biscuit|mummy must be proud]
        - [Don't strain yourself|Take your time], thinking [hurts the first time|is new to you]
        - [Thanks|Thank you] for [proving|showing us] what happens when [cousins marry|schools give up on
          somebody]
        - I would [explain|draw it for you], but I have [no crayons|neither the time nor the crayons] for
          someone like you
        """,
    ),
    family(
        "slang_abuse",
        {"toxic": 1, "severe_toxic": UNCLEAR, "threat": UNCLEAR, "insult": UNCLEAR},
        """
        - [kys|just kys|kys already|go kys] [lol|loser|, nobody would notice|{fool}|]
        - [kill yourself|go kill yourself|end yourself|unalive yourself] [{fool}|, you are {dull}|, no one
          will miss you|]
        - [stfu|gtfo|foad] [{fool}|you {dull} {fool}|and never come back|]
        - [L|massive L|ratio] [+ nobody asked + you are {dull}|, {fool}|, stay mad {fool}]
        - [cope|cope and seethe|cry more|stay mad], {fool}
        - [drink bleach|jump off a bridge|go play in traffic|neck yourself] [, {fool}|, please|]
        - [absolute|total|what an absolute] [clown|npc|incel|simp|bot] [behaviour|], {dull} [as ever|and
          proud of it|]
        - [hope|I hope] you [get cancer|choke on {food}|get hit by a bus|rot] [, {fool}|]
        """,
        """
        - do the world a favour and [log off for good|uninstall life|neck yourself]
        - [ur|you're] [so |]{dull} [lmao|smh|fr], [rope yourself|touch grass {fool}]
        """,
    ),
)
