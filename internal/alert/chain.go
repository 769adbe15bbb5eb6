package alert

import (
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// questions are the guards' questions in their order, by the reason that each gives;
// what is asked is in the words of the page.
var questions = []Because{Superseded, NotToday, Closed, Exceptional, Cancelled, Expected, InBuilding, Following, Arrived, TooLate, NotInService}

// tell makes the links of the chain.
func (c *chain) tell() {
	if !c.vouched {
		c.add(Link{At: c.letter.CreatedAt, Tone: page.Absent, What: Say("alert.explain.unvouched"), Words: c.letter.Body,
			Lines: c.find(func(l line) bool { return l.Subject == c.letter.ID && l.Act == "letter.waiting" })})
		c.tellAttempts()
		return
	}
	if _, ok := c.marks[c.episode.Mark]; !ok {
		c.add(Link{At: c.episode.FirstAt, What: Say("alert.explain.nomark", "mark", itoa(c.episode.Mark))})
	}
	for _, d := range c.decisions {
		c.tellMark(d)
		c.tellDecision(d)
	}
	c.tellLookedAgain()
	c.tellStandings()
	c.tellLetters()
	c.tellAttempts()
	c.tellAnswers()
	c.tellCalls()
}

func (c *chain) tellMark(d Decision) {
	k, ok := c.marks[d.Mark]
	if !ok {
		return
	}
	s := c.sittings[k.Sitting]
	what := Say("alert.explain.mark."+string(k.Value), "pupil", c.people[k.Pupil].FullName(), "minutes", k.Minutes)
	notes := []Text{
		Say("alert.explain.mark.by", "who", c.whoDid(k.By), "origin", Say("alert.explain.origin."+string(k.Origin))),
		Say("alert.explain.mark.where", "mark", itoa(k.N), "sitting", s.Label, "from", s.StartsAt, "until", s.EndsAt),
	}
	if !k.ReceivedAt.IsZero() {
		notes = append(notes, Say("alert.explain.mark.received", "hour", k.ReceivedAt))
	}
	c.add(Link{At: k.At, Tone: toneOf(k.Value), What: what, Lines: c.rollLines(k), Notes: notes})
}

func toneOf(v attendance.Value) page.Tone {
	switch v {
	case attendance.Absent:
		return page.Absent
	case attendance.Late:
		return page.Late
	}
	return page.Here
}

// tellDecision tells what was decided about a mark. A guard that stopped was asked
// after those before it, which had nothing against telling.
func (c *chain) tellDecision(d Decision) {
	l := Link{At: d.At, Lines: c.find(func(l line) bool { return l.Act == "alert."+string(d.Decision) && l.detail["mark"] == itoa(d.Mark) })}
	k := c.marks[d.Mark]
	if k.Value == attendance.Absent {
		for _, q := range questions {
			if q == d.Because {
				l.Asked = append(l.Asked, Say("alert.explain.asked.yes", "question", Say("alert.explain.ask."+string(q))))
				break
			}
			l.Asked = append(l.Asked, Say("alert.explain.asked.no", "question", Say("alert.explain.ask."+string(q))))
		}
	}
	switch d.Decision {
	case Hold:
		l.Tone = page.Held
		l.What = Say("alert.explain.held", "at", c.episode.LeavesAt, "minutes", int(c.episode.LeavesAt.Sub(c.episode.FirstAt).Round(time.Minute)/time.Minute))
	case Phone:
		l.Tone = page.Absent
		l.What = Say("alert.explain.phone", "why", Say("alert.because."+string(d.Because)))
	case Join, Not:
		l.What = Say("alert.explain.not", "why", Say("alert.because."+string(d.Because)))
	case Withdraw:
		l.What = Say("alert.explain.withdrawn", "why", Say("alert.because."+string(d.Because)))
	case End:
		l.Tone = page.Here
		l.What = Say("alert.explain.over", "why", Say("alert.because."+string(d.Because)))
	default:
		l.What = Text{plain: string(d.Decision)}
	}
	c.add(l)
}

// tellLookedAgain tells of the moment at which the letters were written: the last look
// before them.
func (c *chain) tellLookedAgain() {
	at, ok := c.writtenAt()
	if !ok {
		return
	}
	c.add(Link{At: at, What: Say("alert.explain.again"), Lines: c.find(func(l line) bool { return l.Act == "alert."+string(Tell) && l.Subject == c.episode.ID })})
}

func (c *chain) writtenAt() (time.Time, bool) {
	for _, l := range c.letters {
		if l.Kind == courier.Absence {
			return l.CreatedAt, true
		}
	}
	return time.Time{}, false
}

// tellStandings tells who might be told and who not, as it was kept when the letters
// were written, not as the directory would answer today.
func (c *chain) tellStandings() {
	at, ok := c.writtenAt()
	if !ok {
		return
	}
	may := Link{At: at, What: Say("alert.explain.may")}
	not := Link{At: at, What: Say("alert.explain.maynot")}
	for _, l := range c.lines {
		if l.Subject != c.episode.ID {
			continue
		}
		switch l.Act {
		case "may-be-told":
			may.Lines = append(may.Lines, l.Seq)
			may.Notes = append(may.Notes, Say("alert.explain.standing", "who", c.whoIs(l.detail["person"]), "why", Say("alert.standing."+l.detail["why"])))
		case "may-not-be-told":
			not.Lines = append(not.Lines, l.Seq)
			not.Notes = append(not.Notes, Say("alert.explain.standing", "who", c.whoIs(l.detail["person"]), "why", c.whyNot(l)))
		}
	}
	if len(may.Notes) > 0 || len(not.Notes) == 0 {
		c.add(may) // without a line it says that the journal has none
	}
	if len(not.Notes) > 0 {
		c.add(not)
	}
}

// whyNot gives the reason only to those who may see court decisions: for the others
// every reason reads alike, so that none can be guessed.
func (c *chain) whyNot(l line) Text {
	if !c.q.Court {
		return Say("alert.standing.not")
	}
	why := directory.Reason(l.detail["why"])
	if d, ok := c.court[l.detail["person"]]; ok && why == directory.NotCourt {
		return Say("alert.standing.court.of", "reference", d.Reference, "date", dateOf(d.FromOn))
	}
	return Say("alert.standing." + string(why))
}

func (c *chain) tellLetters() {
	for _, l := range c.letters {
		link := Link{At: l.CreatedAt, What: Say("alert.explain.letter."+string(l.Kind), "who", c.whoIs(l.Person), "channel", Say("alert.channel."+string(l.Channel)), "code", l.Code),
			Lines: c.find(func(j line) bool { return j.Subject == l.ID && j.Act == "letter.waiting" })}
		if l.ID != c.letter.ID {
			link.Letter = l.ID
			link.Notes = []Text{letterState(LetterRow{State: l.State, Because: l.Because, Again: courier.MayTryAgain(l, l.SettledAt), Channel: l.Channel})}
			c.add(link)
			continue
		}
		link.Tone, link.Words = page.Held, asRead(l)
		if l.Body == "" {
			link.Notes = append(link.Notes, Say("alert.explain.purged"))
		}
		link.Notes = append(link.Notes, c.digest(l))
		c.add(link)
	}
}

// asRead is a letter as its reader gets it.
func asRead(l courier.Letter) string {
	return strings.TrimSpace(l.Subject + "\n\n" + l.Body)
}

// digest compares the letter's digest with the one that was journalled when it was
// written.
func (c *chain) digest(l courier.Letter) Text {
	for _, j := range c.lines {
		if j.Subject == l.ID && j.Act == "letter.waiting" {
			if j.detail["digest"] == l.Digest {
				return Say("alert.explain.digest.same", "digest", l.Digest[:min(12, len(l.Digest))])
			}
			return Say("alert.explain.digest.other")
		}
	}
	return Say("alert.explain.digest.none")
}

func (c *chain) tellAttempts() {
	for _, a := range c.attempts {
		n := itoa(int64(a.N))
		c.add(Link{At: a.StartedAt, What: Say("alert.explain.attempt", "n", a.N, "carrier", carrierName(a.Carrier)),
			Notes: []Text{Say("alert.explain.instance", "instance", a.Instance)},
			Lines: c.find(func(l line) bool {
				return l.Subject == a.Letter && l.Act == "letter.leaving" && l.detail["attempt"] == n
			})})
		end := Link{At: a.EndedAt, What: Say("alert.explain.outcome." + outcomeKey(a.Outcome)), Tone: outcomeTone(a.Outcome)}
		if a.EndedAt.IsZero() {
			end.At = a.StartedAt
		} else {
			end.Notes = append(end.Notes, Say("alert.explain.took", "ms", int(a.EndedAt.Sub(a.StartedAt).Milliseconds())))
		}
		if a.Answer != "" {
			end.Notes = append(end.Notes, Say("alert.explain.answer", "answer", a.Answer))
		}
		end.Lines = c.find(func(l line) bool {
			return l.Subject == a.Letter && l.Act != "letter.leaving" && l.detail["attempt"] == n
		})
		end.Unrecorded = len(end.Lines) == 0 && a.Outcome != courier.Pending
		c.links = append(c.links, end)
	}
	for _, j := range c.lines {
		if j.Subject == c.letter.ID && j.detail["late"] != "" {
			c.links = append(c.links, Link{At: j.at(), What: Say("alert.explain.outcome.late"), Tone: page.Here, Lines: []int64{j.Seq}})
		}
	}
	if l := c.letter; l.State == courier.Void {
		c.add(Link{At: l.SettledAt, Tone: page.Late, What: Say("alert.explain.void", "why", voidBecause(l.Because)),
			Lines: c.find(func(j line) bool { return j.Subject == l.ID && j.Act == "letter.void" })})
	} else if l.Attempts == 0 {
		c.links = append(c.links, Link{At: l.DueAt, What: Say("alert.explain.waiting")})
	}
}

func carrierName(name string) Text {
	if name == "pretend" || name == "smtp" {
		return Say("alert.explain.carrier." + name)
	}
	return Text{plain: name}
}

func outcomeKey(o courier.Outcome) string {
	if o == courier.Pending {
		return "pending"
	}
	return string(o)
}

func outcomeTone(o courier.Outcome) page.Tone {
	switch o {
	case courier.Accepted:
		return page.Here
	case courier.RefusedByAll, courier.NoAnswer:
		return page.Absent
	}
	return page.Late
}

// tellAnswers tells what the family answered, and what came too late to be an answer.
func (c *chain) tellAnswers() {
	for _, f := range c.answers {
		l := Link{At: f.At, What: Say("alert.explain.answer."+string(f.Answer), "who", c.whoIs(f.Person)), Notes: []Text{Say("alert.explain.via." + string(f.Via))},
			Lines: c.find(func(j line) bool { return j.detail["answer"] == f.ID })}
		if f.Reason != "" {
			l.Notes = append(l.Notes, Say("alert.answer.reason."+f.Reason))
		}
		if f.Span == WholeDay {
			l.Notes = append(l.Notes, Say("alert.voice.day"))
		}
		if f.Answer == ShouldBeHere {
			l.Tone = page.Absent
		}
		c.add(l)
	}
	for _, j := range c.lines {
		if j.Act == "answer.late" {
			c.links = append(c.links, Link{At: j.at(), What: Say("alert.explain.answer.late", "who", c.whoIs(j.detail["person"])), Lines: []int64{j.Seq}})
		}
	}
}

func (c *chain) tellCalls() {
	for _, call := range c.calls {
		who := Say("alert.explain.nobody")
		if call.Adult != "" {
			who = c.whoIs(call.Adult)
		}
		byCall := func(act string) []int64 {
			return c.find(func(l line) bool { return l.Act == act && l.detail["call"] == call.ID })
		}
		c.add(Link{At: call.OpenedAt, Tone: page.Absent, What: Say("alert.explain.call", "who", who),
			Notes: []Text{Say("alert.because." + string(call.Because))}, Lines: byCall("call.opened")})
		switch call.Outcome {
		case "":
		case NotNeeded:
			// The row is closed with the episode, whose line says so.
			c.add(Link{At: call.ClosedAt, What: Say("alert.explain.call.spared", "who", who),
				Lines: c.find(func(l line) bool { return l.Act == "alert."+string(End) && l.Subject == c.episode.ID })})
		default:
			c.add(Link{At: call.ClosedAt, Tone: page.Here, What: Say("alert.explain.call.closed", "who", who, "outcome", Say("alert.outcome."+string(call.Outcome))),
				Notes: []Text{Say("alert.explain.by", "who", c.whoDid(call.ClosedBy))}, Lines: byCall("call.closed")})
		}
	}
}

// letterState says what became of a letter, in words.
func letterState(l LetterRow) Text {
	switch {
	case l.State == courier.Unsure && l.Again:
		return Say("alert.state.unsure.again")
	case l.State == courier.Void:
		return Say("alert.state.void", "why", voidBecause(l.Because))
	}
	return Say("alert.state." + string(l.State))
}

// voidBecause says why nothing left: a reason of this package or of the courier.
func voidBecause(because string) Text {
	switch because {
	case courier.BecauseExpired:
		return Say("alert.because." + string(Lapsed))
	case courier.BecauseGone, courier.BecauseCap, courier.BecauseUnvouched:
		return Say("alert.void." + because)
	case "":
		return Say("alert.void.unknown")
	}
	return Say("alert.because." + because)
}
