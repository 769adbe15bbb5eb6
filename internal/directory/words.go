package directory

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// nameOf is a person's name as it is said.
func nameOf(p Person) string { return p.FirstName + " " + p.LastName }

func classOf(c Circle) string {
	if c.Class == "" {
		return ""
	}
	return " · " + c.Class
}

func aboveOf(ctx context.Context, c Circle) string {
	var parts []string
	if c.Class != "" {
		parts = append(parts, c.Class)
	}
	if c.OfAge {
		parts = append(parts, page.T(ctx, "directory.ofage"))
	}
	if gone(c.Pupil, c.Day) {
		parts = append(parts, page.T(ctx, "directory.left", "day", dayText(ctx, c.Pupil.LeftOn)))
	}
	return strings.Join(parts, " · ")
}

func backOf(c Circle) string { return "/pupils?" + url.Values{"name": {c.Pupil.LastName}}.Encode() }

// whatOf says what somebody is to the pupil: mère · représentant légal.
func whatOf(ctx context.Context, n Near, pupil Person) string {
	if n.Person.ID == pupil.ID {
		return page.T(ctx, "directory.self")
	}
	level := page.T(ctx, "directory.level."+string(n.Link.Level))
	if n.Link.Kinship == "" {
		return level
	}
	return kinshipText(ctx, n.Link.Kinship) + " · " + level
}

func kinshipText(ctx context.Context, kinship string) string {
	key := "directory.kin." + strings.ReplaceAll(kinship, " ", "-")
	if text := page.T(ctx, key); text != key {
		return text
	}
	return kinship // a word of a source that we do not know yet
}

func kinshipOptions(ctx context.Context) []page.Option {
	all := []page.Option{{Value: "", Text: page.T(ctx, "directory.adult.kinship.none")}}
	for _, k := range Kinships() {
		all = append(all, page.Option{Value: k, Text: kinshipText(ctx, k)})
	}
	return all
}

func verdict(ctx context.Context, n Near) string {
	if n.Told {
		return page.T(ctx, "directory.verdict.yes")
	}
	return page.T(ctx, "directory.verdict.no")
}

func because(ctx context.Context, n Near, pupil Person) string {
	return page.T(ctx, "directory.why."+string(n.Why), "first", pupil.FirstName)
}

// written is a contact point as people read it.
func written(p ContactPoint, s School) string {
	switch {
	case p.Address == "":
		return p.Raw
	case p.Channel == Email:
		return p.Address
	}
	return writePhone(p.Address, s.Region)
}

// reach is a contact point that gets the message: SMS 06 39 98 01 00.
func reach(ctx context.Context, p ContactPoint, s School) string {
	return page.T(ctx, "directory.reach."+string(p.Channel), "address", written(p, s))
}

func pointNote(ctx context.Context, p PointUse) string {
	note := page.T(ctx, "directory.channel."+string(p.Point.Channel))
	switch p.Why {
	case PointUsable, PointVoiceOnly, PointNotTold:
	case PointStopped:
		note += " · " + page.T(ctx, "directory.use.stopped."+string(p.Point.Channel), "day", page.DateYear(ctx, p.Point.StoppedAt))
	default:
		note += " · " + page.T(ctx, "directory.use."+string(p.Why))
	}
	if !p.Point.VerifiedAt.IsZero() {
		note += " · " + page.T(ctx, "directory.point.verified", "day", page.DateYear(ctx, p.Point.VerifiedAt))
	}
	if p.Point.Source == ByHand {
		note += " · " + page.T(ctx, "directory.point.byhand")
	}
	return note
}

// messages counts the messages that an absence would send.
func messages(c Circle) int {
	n := 0
	for _, one := range c.Near {
		n += len(one.Used())
	}
	return n
}

func countText(ctx context.Context, c Circle) string {
	return page.T(ctx, "directory.count.people", "n", len(c.Told())) + ", " + page.T(ctx, "directory.count.messages", "n", messages(c))
}

// shared tells whether somebody's message goes to an address that another person has.
func shared(n Near) bool {
	for _, p := range n.Points {
		if p.Why == PointSame {
			return true
		}
	}
	return false
}

// voiceOf is a number at which somebody can be telephoned; empty: none.
func voiceOf(n Near) string {
	for _, p := range n.Current() {
		if p.Point.Channel != Email && p.Point.Address != "" {
			return p.Point.Address
		}
	}
	return ""
}

// sourceOf says where the link comes from.
func sourceOf(ctx context.Context, n Near, s School) string {
	l := n.Link
	var text string
	switch {
	case l.Source == "":
		return page.T(ctx, "directory.source.self")
	case l.Source == ByHand:
		text = page.T(ctx, "directory.source.hand", "day", dayText(ctx, l.SourceDate))
	case l.Source == "fictional":
		text = page.T(ctx, "directory.source.fictional")
	case l.SourceFile == "":
		text = page.T(ctx, "directory.source.named", "source", l.Source)
	default:
		dialect := l.Dialect
		if dialect == "" {
			dialect = l.Source
		}
		text = page.T(ctx, "directory.source.file", "file", fileName(l.SourceFile), "export", exportText(ctx, l), "dialect", strings.ToUpper(strings.ReplaceAll(dialect, "-", " ")))
	}
	if !l.ChosenAt.IsZero() {
		text += " " + page.T(ctx, "directory.source.chosen", "day", page.DateYear(ctx, l.ChosenAt))
	}
	return text
}

// fileName is a file's own name: where it lay on somebody's machine is nobody's matter.
func fileName(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

var dayInName = regexp.MustCompile(`(?:^|_)(20[0-9]{6})(?:_|\.|$)`)

// exportText says of when an export is: the day that the source gives or that its file
// carries in its name, else what the source says instead, a version.
func exportText(ctx context.Context, l Link) string {
	days := []string{l.SourceDate}
	if m := dayInName.FindStringSubmatch(fileName(l.SourceFile)); m != nil {
		days = append(days, m[1])
	}
	for _, day := range days {
		if text := dayText(ctx, day); text != day {
			return page.T(ctx, "directory.source.of", "day", text)
		}
	}
	return page.T(ctx, "directory.source.version", "version", l.SourceDate)
}

// dayText writes a day kept as text; what is no date is written as it is.
func dayText(ctx context.Context, day string) string {
	for _, form := range []string{time.DateOnly, "20060102"} {
		if t, err := time.ParseInLocation(form, day, page.Zone(ctx)); err == nil {
			return page.DateYear(ctx, t)
		}
	}
	return day
}

func decisionState(d Decision, day string) string {
	switch {
	case !d.LiftedAt.IsZero():
		return "lifted"
	case inForce(d, day):
		return "holds"
	case day < d.FromOn:
		return "later"
	}
	return "over"
}

func decisionTone(d Decision, day string) page.Tone {
	if inForce(d, day) {
		return page.Late
	}
	return page.Soft
}

func decisionNote(ctx context.Context, d Decision) string {
	note := page.T(ctx, "directory.decision.since", "from", dayText(ctx, d.FromOn))
	if d.UntilOn != "" {
		note = page.T(ctx, "directory.decision.between", "from", dayText(ctx, d.FromOn), "until", dayText(ctx, d.UntilOn))
	}
	note += " · " + page.T(ctx, "directory.recorded", "day", page.DateYear(ctx, d.RecordedAt))
	if !d.LiftedAt.IsZero() {
		note += " · " + page.T(ctx, "directory.decision.lifted.on", "day", page.DateYear(ctx, d.LiftedAt))
	}
	return note
}

func objectionNote(ctx context.Context, o Objection) string {
	note := page.T(ctx, "directory.recorded", "day", page.DateYear(ctx, o.RecordedAt))
	if !o.WithdrawnAt.IsZero() {
		note += " · " + page.T(ctx, "directory.objection.withdrawn.on", "day", page.DateYear(ctx, o.WithdrawnAt))
	}
	return note
}

func objects(c Circle) bool {
	for _, o := range c.Objections {
		if o.WithdrawnAt.IsZero() {
			return true
		}
	}
	return false
}

func taskText(ctx context.Context, t Task, person string, pupil Person) string {
	return page.T(ctx, "directory.task."+t.Kind, "name", person, "first", pupil.FirstName, "detail", t.Detail)
}

func personOf(c Circle, id string) string {
	if n, ok := c.Adult(id); ok {
		return nameOf(n.Person)
	}
	return nameOf(c.Pupil)
}

// doneText is what the notice says after a change; empty for what nobody asked us.
func doneText(ctx context.Context, what string) string {
	switch what {
	case "point", "ended", "verified", "resumed", "chosen", "adult", "removed", "decision", "lifted", "objection", "withdrawn", "task":
		return page.T(ctx, "directory.done."+what)
	}
	return ""
}

func pageNote(ctx context.Context, l List) string {
	if l.Pages == 1 {
		return ""
	}
	return page.T(ctx, "directory.page.of", "page", l.Asked.Page, "pages", l.Pages)
}

// formAddress leads to the form that names who leads a class, filled in.
func formAddress(class, person string) string {
	q := url.Values{"class": {class}}
	if person != "" {
		q.Set("person", person)
	}
	return "/classes?" + q.Encode() + "#name"
}

// formPeriod says from when until when somebody leads a class.
func formPeriod(ctx context.Context, f FormTeacher, day string) string {
	if f.FromOn > day {
		return page.T(ctx, "directory.forms.later", "from", dayText(ctx, f.FromOn), "until", dayText(ctx, f.UntilOn))
	}
	return page.T(ctx, "directory.forms.now", "until", dayText(ctx, f.UntilOn))
}

func classOptions(v formsView) []page.Option {
	var out []page.Option
	for _, c := range v.Classes {
		out = append(out, page.Option{Value: c.ID, Text: c.Label})
	}
	return out
}
