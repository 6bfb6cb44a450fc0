"""Harmless sentences with the words of insults: reported, denied, aimed at things, or plain criticism."""

from toxicity_ml.augmentation.phrases.grammar import UNCLEAR, Family, family

FAMILIES: tuple[Family, ...] = (
    family(
        "reported_insult",
        {},
        """
        - {who} [told me I was|said I was] a(n) {fool} {when} [and it still hurts|and I laughed it off|, can
          you believe it|]
        - {who} called my [brother|daughter|friend] a(n) {dull} {fool} [and he cried|in front of everyone|,
          so we left|]
        - "[You are|You're] a(n) {fool}", {who} [said|shouted] {when}, [and I walked away|and then he hung
          up|but later apologised]
        - I was called "{dull}" [by {who}|twice|online] {when} [, what should I do|and I reported it|]
        - [In the|In that] {work} [the hero|the villain|her sister] [calls him a(n) {fool}|shouts "you
          {dull} {fool}"] and [the audience gasps|they never speak again]
        - [Why did|How come] {who} call [her|you|us] {dull}? [That was unkind|Nobody deserves that|I hope
          you are all right]
        - [Please do not|Please don't|You should not] call [people|other editors|anyone] a(n) {fool} [here|,
          it is against the rules|, discuss {topic} instead]
        - The word "{fool}" [comes from|is first recorded in|is older than] [Latin|Old French|{year}]
        - My [son|pupil|nephew] came home crying because [the others|{who}] said he was {dull}
        - The [comment|message|review] that says "{dull}" [should be removed|breaks the rules|has been
          reported]
        - [The court|A judge] [fined|convicted] {who} for calling a policeman a(n) {fool}
        - [Being|To be] called a(n) {fool} [by {who}|every day|as a child] [leaves a mark|is hard|taught me
          to be patient]
        """,
        """
        - [He|She] called me a(n) {fool} {when}
        - [They|People] used to say I was {dull}, [now I {does}|it took me years to forget]
        - {who} wrote "{dull} {fool}" on my [desk|car|wall] [and nobody helped me wash it off|{when}]
        """,
    ),
    family(
        "denied_insult",
        {},
        """
        - [You are|You're] not [a(n) {fool}|{dull}] [, everybody makes mistakes|, do not listen to them|at
          all|]
        - I [never said|did not say|don't think] [you were|you are|he is] a(n) {fool} [, sorry if it came
          across that way|, only mistaken about {topic}|]
        - [Nobody|No one] [here |]thinks you are {dull}, [please stay|just ask again|we all started
          somewhere]
        - [Sorry|Apologies], I [was|have been] a(n) {fool} [about {topic}|{when}|to doubt you], [you were
          right|thank you for fixing it]
        - I felt [so |]{dull} when I [locked myself out|forgot her name|dropped the cake] {when}
        - [I may be|Maybe I am] {dull}, but [how do I find {topic}|where is the button|what does the table
          mean]?
        - There are no {dull} questions [here|in my class|, ask away]
        - Calling [him|her|the mayor] a(n) {fool} would be [unfair|wrong|going too far], [he tried his
          best|she meant well]
        - [He|She] is [neither a(n) {fool} nor|hardly a(n) {fool} or] a(n) {fool}, [just tired|only young
          and shy]
        - [It's|That's] not {dull} to [ask|change your mind|cry|need help]
        - [Only|Well,] I would be the {fool} if I [bought that {thing} again|left the {thing} in the
          rain|forgot {topic}]
        """,
        """
        - [Don't|Do not] let anyone tell you that you are {dull}
        - What a(n) {fool} I am, I [left my {thing} on the bus|read {topic} upside down]
        - You would [have to|need to] be [very unlucky|an expert|lost], not a(n) {fool}, to miss that
          [sign|step]
        """,
    ),
    family(
        "criticism",
        {},
        """
        - I [disagree with you|think you are wrong|cannot follow you] about {topic}, [your source does not
          say that|please check the date|see page {number}]
        - [Your|This] edit [was reverted|has been undone] because {topic} [needs a source|was already
          correct|is off topic]
        - [That|Your] argument [makes no sense|does not hold|is weak], [the numbers|both reports] [say the
          opposite|do not support it]
        - [This|The] {work} [was boring|was a disappointment|was too long], [I left after an hour|the ending
          ruined it|I expected more]
        - [Please stop|Could you stop] [removing {topic}|changing {topic}|adding links], [it is not
          helpful|discuss it first|you were asked twice]
        - [You did not|You didn't] [read what I wrote|answer my question|check {topic}], [try again|look at
          it once more]
        - [Worst|Weakest|Dullest] {work} [of the year|I have seen in months], [do not waste your money|save
          your evening]
        - [With respect|Honestly|I am afraid], [your {work}|your report|the draft] [is not good enough|needs
          a lot of work|has mistakes in every line]
        - The {job} was [late|rude to us|careless] and the bill was [too high|wrong], [never again|I
          complained {when}]
        - [No,|Sorry, no,] you are [mistaken|wrong], {topic} [was settled {when}|is on the other page]
        - The [government|council|board] [failed|lied about {topic}|wasted millions], [vote them out|they
          should resign|we deserve an answer]
        - [Warning|Last warning]: [stop adding {topic}|do not blank pages] or [your account may be
          blocked|you will be blocked from editing]
        """,
        """
        - [I do not like|I am not fond of] your {work}, [to be honest|the middle drags]
        - You have [misread|misquoted] {topic} [again|for the third time], [read slowly|please fix it]
        - [What a|Such a] [poor|lazy] [translation|translation of {topic}], [half of it is missing|start
          over]
        """,
    ),
    family(
        "strong_words",
        {},
        """
        - I would kill for [a plate|a bit|a bucket] of {food} [tonight|after this|]
        - This [damn|bloody|stupid|useless|pathetic|worthless] {thing} [broke again|died on me {when}|never
          works|drives me mad]
        - [It is|It's] [bloody|damn|freaking] [cold|hot|loud] [today|in here|by {street}], [bring a coat|I
          need {food}]
        - [That|This] {work} was [insane|sick|wicked|killer|deadly good|stupidly good], [I want to see it
          again|go now|best one yet]
        - [Hell of a|One hell of a] {work} [, thank you|, I'm still shaking|{when}]
        - We [got destroyed|got slaughtered|were murdered|died out there] [five nil|in the second half|by
          the other team] [, fair play to them|, they were better|]
        - [I am|I'm] [dying|dead|in tears] [laughing|from laughter], [that joke killed me|the cat in the
          {thing} picture|my stomach hurts]
        - [Kill|Terminate|Shoot down] the [process|job|server] and [restart it|try again|check the log]
        - [My {thing}|The {thing}] is a [stupid|dumb|useless] [piece of junk|lump of plastic], [who designed
          this|do not buy one|it burnt my toast]
        - I [hate|can't stand|despise] [Mondays|mosquitoes|wet socks|queueing|this weather|cold coffee|that
          {thing}]
        - [Damn|Hell yes|Holy cow], [we won|I passed|that was close|it works], [drinks on me|see you on
          {day}|]
        - [Shoot me|Hit me with] [an email|a message|the details] about {topic} [when you can|by {day}|]
        - I could [murder|kill] [a curry|{food}] right [about |]now
        - The [garden pests|wasps|rats in the cellar|parasites on my tomatoes] are [disgusting|a
          plague|vermin], [how do I get rid of them|the poison did not help]
        - [Ugh|Argh], [stupid|dumb|brainless] me, I [left the {thing} on|missed the train|forgot {topic}]
        - [Blast|Slay|Crush|Smash] it [tomorrow|on {day}|on stage], [we believe in you|you are ready|break a
          leg]
        """,
        """
        - I'd [give my left arm|sell my brother|commit crimes] for {food} right now
        - [Screw|To hell with] this {thing}, [I am going back to paper|I give up]
        - [She|The singer] [absolutely killed it|tore the place apart|was on fire] {when}, [goosebumps|what
          a voice]
        """,
    ),
    family(
        "strong_words_obscene",
        {"toxic": UNCLEAR, "severe_toxic": 0, "obscene": UNCLEAR},
        """
        - [That|The|This] {work} was [fucking brilliant|so fucking good|the shit|badass|damn fucking
          beautiful] [, go and see it|, I loved it|]
        - [Holy shit|Oh fuck|Shit], [we won|I passed|that's amazing|it works], [I can't believe it|thank you
          all]
        - [I am|I'm] [freezing|working|laughing] my ass off [here|in {place}|]
        - [My|The] {thing} is [fucked|shit|a piece of shit], [which one should I buy|it died {when}|any
          advice]
        - [Fuck|Screw] [cancer|this weather|Mondays|this {thing}], [I need {food}|see you on {day}|]
        - {food} [tastes|tasted] like [shit|crap] {when} but the [soup|view|coffee] was [fine|lovely]
        - [No shit|Bullshit aside], {topic} is [hard|interesting|better now]
        """,
        """
        - The {work} was shit hot, [loved it|what a night]
        - [Bloody|Fucking] hell, {food} [for breakfast|again], [I'm in heaven|yes please]
        """,
    ),
    family(
        "polite_counterpart",
        {},
        """
        - [Nobody|No one] wants [to wait|a cold supper|rain on {day}], [please come early|so book ahead|take
          a coat]
        - [Do us all a favour|Do everyone a favour] and [bring {food}|book early|check {topic} before you
          post]
        - [Please leave|Could you leave] [your shoes at the door|a note for the {job}|{topic} as it is for
          now]
        - [Were you|Was your cousin] at [the {work}|school with {who}|the harbour] {when}?
        - [Your|Even your] [mother|family|team] must be so proud of [you|the {work}]
        - [Reading|Running|Singing] is clearly your [strength|thing|talent], [keep going|well done]
        - [You bring|You bring us] everyone so much joy when you [play|sing|come home|visit]
        - [People like|We all like] you [and your {work}|here], [please stay|come again on {day}]
        - [Look in the mirror|Take a look at yourself], [you look great|the tie suits you|you have grown]
        - Everything you [touch|write|cook] turns [out well|to gold], [how do you do it|I am in awe]
        - [Is there|Isn't there] a [bench|shop|tap] near {street} [where I could rest|that sells {food}]?
        - You will [soon|surely] [find a job|feel better|have new friends] [, I am certain|, give it time|]
        - [If|Whenever] you open [the window|your {work}], [the cat comes in|I think of home|people smile]
        - [My mistake|An accident], [I deleted {topic}|sorry for the noise], [please restore it|thanks for
          telling me]
        """,
        """
        - [When|If] I go back to where I came from, I [will visit my aunt|always eat {food}]
        - [Everybody|Not a soul] [likes your {food}|missed the {work}], please [stay|send me the recipe]
        - [I wonder|Ask your parents] why they [moved to {town}|kept the old {thing}]
        """,
    ),
    family(
        "slang_harmless",
        {},
        """
        - [ngl|tbh|fr] [that {work} slaps|this {work} is fire|the {food} was bussin] [lol|fr|]
        - [lmao|lol|omg] [i'm dead|i can't breathe|this killed me], [who made this|send it to the group|the
          {thing} at the end]
        - [gg|gg wp|ggs], [you wrecked us|we got smoked|that was close], [again on {day}|one more]
        - [w|massive w|big w] [for the {job}|{work}|take], [love it|respect|]
        - [take the l|i'll take the l|my l], [i was wrong about {topic}|you called it]
        - [stay safe|take care|drink water], [see you on {day}|and sleep well|ok]
        - [brb|afk], [the {thing} is beeping|need {food}|cat on the keyboard]
        - [smh|ugh], [the {thing} again|my {thing} died lol|forgot {topic}]
        """,
        """
        - [no cap|fr fr], [{food} hits different|this {work} goes hard]
        - [i'm crying|screaming] [lol|rn], [the cat stole {food}|that {work}]
        """,
    ),
)
