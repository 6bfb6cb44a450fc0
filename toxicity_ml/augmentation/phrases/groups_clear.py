"""Harmless sentences that name a group of people: nothing in them is toxic."""

from toxicity_ml.augmentation.phrases.grammar import Family, family

FAMILIES: tuple[Family, ...] = (
    family(
        "friendly",
        {},
        """
        - [Our|The] {adj} [couple|family] [next door|upstairs|across the road|from {street}] [are|is] so
          {kind}
        - I [really |]like [working|living|travelling|singing|studying] with {people}
        - [We|They] [invited|welcomed|hosted] [some|a few|two] {people} [for dinner|to the picnic|to our
          wedding|at the club] and [it was lovely|everyone had fun|we laughed all evening]
        - [Congratulations|Well done] to the {adj} [players|students|singers|volunteers|writers] who
          [won|took part|organised it|made it happen] [on {day}|this year|again|]
        - [Thanks|Thank you|Many thanks] to the {adj} [man|woman|family|student|driver] who [gave me a
          lift|found my keys|helped me up|returned my wallet] {when}
        - [Happy|glad|So glad] to see [more|so many] {people} [in {place}|at the meetup|on the
          council|editing these pages]
        - [The|That] {adj} {job} [in|from|near] {street} is {kind}
        - [My|Her|His] best friend is a(n) {person} and [I trust her with my life|we talk every day|we share
          a flat|nobody makes me laugh like that]
        - [Some of|Many of] the {kind} people I [know|ever met|work with] are {people}
        - [It was|What] a pleasure to [meet|play against|cook with|learn from] {people} [last week|in May|on
          {day}|]
        - I wish all {people} [a happy new year|a good weekend|well|every success]
        - [Visited|We went to] the {adj} [museum|festival|market|theatre group|choir] [near|behind|on]
          {street}, [loved every minute|highly recommended|go and see it]
        - [My|Our] daughter [married|is engaged to|fell in love with] a(n) {person} and [we could not be
          happier|we adore them both|the party was wonderful]
        - There is [nothing wrong with|so much to admire in] [being a(n) {person}|the way {people} look
          after each other]
        - [Love|Support|Respect|Hugs] to all [the |my |]{people} [out there|reading this|in {place}|who had
          a hard week]
        """,
        """
        - [My|Our] {adj} neighbours are [lovely|so kind|great people|wonderful]
        - {people} [deserve|should have] the same [rights|respect|freedoms] [as everyone else|as anybody|]
        - What a [beautiful|moving|funny] [poem|film|story] by a(n) {person}, [I cried twice|my children
          loved it|more of this]
        - [Proud|Happy] to [call|count] so many {people} my friends
        """,
    ),
    family(
        "equal_rights",
        {},
        """
        - [Equal|The same] rights for {people} [are|should be] [a matter of course|in the constitution|part
          of the law|long overdue]
        - {people} [have|should have] [a|the] right to [marry|vote|pray|adopt|work|live here] [like anyone
          else|just as you do|without fear|]
        - {people} should be [free|able|allowed] to [marry|hold hands|wear what they like|raise
          children|worship] [in peace|without being stared at|anywhere|]
        - [We|Our town|The club] [should|must|will] treat {people} [with respect|fairly|like everybody
          else|as equals]
        - {people} are [equal|entitled] to [their neighbours|the same pay as others|a fair trial|our help]
        - [The court|Parliament|The city] [ruled|decided|voted] that {people} [may marry|can adopt|keep their
          jobs|can serve in the army] [{when}|in {year}|at last]
        - [I support|I voted for|I am all for] [marriage|equal pay|full citizenship|protection] for {people}
          [, and so should you|and always will|]
        - [Being|To be] a(n) {person} is [no reason to lose a job|nothing to hide|perfectly normal|fine
          with us]
        - A(n) {person} [can be|makes] [a good|as good a] {job} [as anyone|as well|too]
        - {people} [pay taxes|love their children|work hard|get ill and grow old] [like you and me|like
          everyone else|too]
        """,
        "",
    ),
    family(
        "neutral",
        {},
        """
        - The {adj} [community centre|reading group|advice line|sports club] [opens|meets|starts] [at
          nine|at noon|in the evening] on {day}
        - The [census|survey|report] [says|found|estimates] that [about |nearly |]{number} [percent of
          residents are|in a hundred pupils are] {people}
        - [This|The] [section|paragraph|chapter] [covers|is about|describes] the history of {people} in the
          [region|city|nineteenth century|region's ports]
        - The first {adj} {job} in the [city|county|country] [was elected|was appointed|took office|retired]
          in {year}
        - [Is there|Do we have] a source for the number of {people} in the [town|province|survey|army]?
        - The [author|actor|composer|chemist] was born to a(n) {adj} family [in|near] {town}
        - [Three|Four|Six] of the [players|singers|candidates|authors] are {people}
        - [Should|Could] the article [mention|say] that the [poet|minister] is a(n) {person}?
        - {people} [were allowed|gained the right|began] to [vote|study|own land|serve on juries] in {year}
        - [He|She] wrote [a book|two essays|a thesis|a column] about {people} [and the law|in film|in
          sport|after the war]
        - I am [looking for|collecting] [books|films|articles|sources] [about|by] {people}
        - The clinic [offers|started] a [programme|course|helpline] for {people} [in {year}|last spring|on
          {day}|]
        - [Category|The category]: {adj} [writers|scientists|athletes|painters] [has|now has] {number} pages
        - [In|By] {year} [most|few|some] {people} [in the valley|in the capital|here] worked [on farms|in
          mills|in schools|on the railway]
        - The [museum|archive|university] holds letters [by|from|about] {people} from {year}
        """,
        """
        - [There are|We counted] about {number} {people} in the [district|parish|club]
        - A {adj} [newspaper|magazine|radio station] was [founded|closed|sold] in {year}
        - The word {adj} [should be|is usually] [written|spelt] the same way [in both articles|throughout
          the page]
        """,
    ),
    family(
        "self_description",
        {},
        """
        - I am a(n) {person} and I {does}
        - As a(n) {person}, I [liked|enjoyed|disagreed with|was surprised by] {topic}
        - Hi, I'm a(n) {person} [from {town}|in my thirties|and new here] and I [have a question about|would
          like to help with|wrote most of] {topic}
        - [Speaking|Writing] as a(n) {person} who {does_s}, I think {topic} [is fine|needs a source|should
          be shorter|is well done]
        - My [partner|flatmate|best friend|boss|cousin] is a(n) {person} and {does_s}
        - I grew up in a(n) {adj} family [in|near] {town}
        - [We are|Two of us are] {people}, [we|and we] love {doing}
        - I'm a(n) {person}, [married|retired|with two kids|forty-two], [and I like|happiest when] {doing}
        - I came out [to my parents|at work|to my team] {when}, and [being a(n) {person} was no problem at
          all|they hugged me]
        - Being a(n) {person} [is part of who I am|has taught me a lot|never kept me from {doing}]
        - [Ask me anything|AMA]: I'm a(n) {person} and I {does}
        - [Any other|Are there other] {people} here who [like {doing}|work on {topic}|live near {street}]?
        - I have been a(n) {person} all my life and [nobody asked me|I still enjoy {doing}|I vote on {day}
          like everyone else]
        """,
        """
        - I am a [proud|happy|shy|tired] {person}
        - [Yes,|And yes,] I am a(n) {person}, and [so what|I am fine with it|so are my brothers]
        - You are talking to a(n) {person} who [loves|spent ten years] {doing}
        """,
    ),
    family(
        "counter_speech",
        {},
        """
        - [Please stop|Stop] [saying|claiming|writing] that {people} [do not belong here|cannot be
          trusted|are all the same]
        - It is [wrong|unfair|simply false] to [blame|accuse|judge] all {people} for [what one man did|the
          crime rate|{topic}]
        - [Nobody|No one] should be [fired|bullied|refused a flat|laughed at] for being a(n) {person}
        - [Jokes about|Slurs against] {people} are not [funny|welcome in {place}|allowed here], [please
          remove them|read the rules]
        - {people} are [people like you and me|our neighbours|part of this town], [treat them that way|so be
          kind]
        - I [reported|removed|flagged] a comment [that attacked|insulting|full of hate against] {people}
        - [Hatred of|Prejudice against|Discrimination against] {people} has no place [here|in {place}|in
          sport]
        - If you [hate|fear|avoid] {people}, [talk to one|get to know some|ask yourself why]
        - [Why|How] would anyone [hate|hurt|look down on] {people}? [I will never understand it|They did
          nothing to you|]
        - My [son|sister|friend] was [attacked|bullied|shouted at] {when} for being a(n) {person}, [and
          it hurts|this has to stop]
        - [Do not|Don't] call {people} [names|criminals|a threat], it is [not true|cruel and false|against
          the rules]
        - [Violence|Hate crimes] against {people} [rose|fell] [last year|in {year}|by a third], [the police
          said|the report says]
        - [Saying|To say] that {people} are [lazy|dangerous|inferior] is [plain prejudice|nonsense and it
          harms people|not an argument]
        - The [law|charter|constitution] forbids [treating {people} worse|discrimination against {people}]
        """,
        """
        - Not all {people} [think alike|agree about {topic}], [just as not all of you do|stop pretending
          otherwise]
        - [He|She] was told to [go home|leave the country] just for being a(n) {person}, [how sad|that is
          shameful]
        - [We|This team] will [defend|stand with|march with] {people} [against hate|when they are attacked|]
        - [Which|What] [evidence|proof] is there that {people} commit more crimes? None
        """,
    ),
    family(
        "greeting",
        {},
        "",
        """
        - [Good morning|Good evening|Hello|Welcome] to all {people} who joined [{when}|today|from {town}]
        - [Dear|Hello] {people} of {town}, [see you on {day}|the choir meets on {day}|the library has your
          books]
        - [A toast|Three cheers|A big hand] for the {adj} {job} [who saved us {when}|from {street}]
        """,
    ),
)
