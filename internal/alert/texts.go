package alert

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// How many rows a board shows at once, and at most: a morning on which everything goes
// wrong must not weigh megabytes every five seconds.
const (
	heldShown = 10
	heldMost  = 200
	toldShown = 8
	toldMost  = 200
	callsMost = 100
)

func boardTitle(ctx context.Context, t Today) string {
	key := "alert.title.day"
	if t.Morning {
		key = "alert.title.morning"
	}
	if t.Absent == 0 {
		return page.T(ctx, key+".none")
	}
	return page.T(ctx, key, "n", t.Absent, "all", t.Pupils)
}

func (d Day) time() time.Time { return time.Time(d) }

func reasons(ctx context.Context, rows []ReasonCount) string {
	parts := make([]string, len(rows))
	for i, r := range rows {
		parts[i] = page.T(ctx, "alert.reasons."+r.Reason, "n", r.N)
	}
	return strings.Join(parts, ", ")
}

func leaving(ctx context.Context, rows []HeldRow) string {
	if len(rows) == 0 {
		return ""
	}
	first, last := page.Hour(ctx, rows[0].LeavesAt), page.Hour(ctx, rows[len(rows)-1].LeavesAt)
	if first == last {
		return page.T(ctx, "alert.figure.held.at", "n", len(rows), "hour", first)
	}
	return page.T(ctx, "alert.figure.held.between", "from", first, "until", last)
}

func messages(ctx context.Context, rows []StateCount) string {
	all := 0
	parts := make([]string, len(rows))
	for i, r := range rows {
		all += r.N
		parts[i] = page.T(ctx, "alert.messages."+string(r.State), "n", r.N)
	}
	if all == 0 {
		return ""
	}
	return page.T(ctx, "alert.messages", "n", all, "states", strings.Join(parts, ", "))
}

func whoWillBeTold(ctx context.Context, r HeldRow) string {
	switch {
	case r.Self && r.Adults > 0:
		return page.T(ctx, "alert.held.self.and", "n", r.Adults)
	case r.Self:
		return page.T(ctx, "alert.held.self")
	case r.Adults == 0:
		return page.T(ctx, "alert.held.nobody")
	}
	return page.T(ctx, "alert.held.people", "n", r.Adults)
}

// rowStates counts a family's messages by state: "4 partis".
func rowStates(ctx context.Context, letters []LetterRow) string {
	counts := map[courier.State]int{}
	for _, l := range letters {
		counts[l.State]++
	}
	var parts []string
	for _, state := range states {
		if n := counts[state]; n > 0 {
			parts = append(parts, page.T(ctx, "alert.messages."+string(state), "n", n))
		}
	}
	return strings.Join(parts, ", ")
}

// worst is the tone of what happened to a family's messages: usual ones are quiet.
func worst(letters []LetterRow) page.Tone {
	tone := page.Tone("")
	for _, l := range letters {
		switch l.State {
		case courier.Unsure, courier.Refused:
			return page.Absent
		case courier.Unheard, courier.Void:
			tone = page.Late
		}
	}
	return tone
}

// chip names a letter and its state in two or three words.
func chip(ctx context.Context, l LetterRow) string {
	return page.T(ctx, "alert.chip."+string(l.Kind), "channel", page.T(ctx, "alert.channel."+string(l.Channel)), "state", page.T(ctx, "alert.short."+string(l.State)))
}

// troubles are the sentences about letters that did not simply leave, each once.
func troubles(ctx context.Context, letters []LetterRow) []string {
	var out []string
	for _, l := range letters {
		switch l.State {
		case courier.Unsure, courier.Refused, courier.Unheard, courier.Void:
			text := page.T(ctx, "alert.trouble", "channel", page.T(ctx, "alert.channel."+string(l.Channel)), "state", letterState(l).In(ctx))
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

func todoCount(ctx context.Context, t Today) string {
	if len(t.Calls) == 0 {
		return ""
	}
	return page.Number(ctx, len(t.Calls))
}

// tasksFor: what is to be settled about objections and numbers is for the head and the
// CPE; another way to tell a family is for whoever telephones.
func tasksFor(ctx context.Context, tasks []TaskRow) []TaskRow {
	v, _ := page.ViewerFrom(ctx)
	return slices.DeleteFunc(slices.Clone(tasks), func(k TaskRow) bool {
		return v.Role != page.Head && v.Role != page.CPE && k.Kind != directory.TaskSMSStopped && k.Kind != directory.TaskMailBounced
	})
}

func callWhom(c CallRow) string {
	if c.Adult.ID == "" {
		return shortName(c.Pupil)
	}
	return c.Adult.FullName()
}

func callTitle(ctx context.Context, c CallRow) string {
	switch {
	case c.Adult.ID == "":
		return page.T(ctx, "alert.call.family", "pupil", c.Pupil.FullName())
	case !c.Entitled:
		return page.T(ctx, "alert.call.not", "name", c.Adult.FullName(), "pupil", c.Pupil.FullName())
	case c.Adult.ID == c.Pupil.ID:
		return page.T(ctx, "alert.call.self", "name", c.Pupil.FullName())
	}
	return page.T(ctx, "alert.call", "name", c.Adult.FullName(), "kinship", kinship(c.Kinship).In(ctx), "pupil", c.Pupil.FullName())
}

func callNote(ctx context.Context, c CallRow) string {
	when := page.Hour(ctx, c.OpenedAt)
	if !c.Today {
		when = page.DateHour(ctx, c.OpenedAt)
	}
	return strings.Join(slices.DeleteFunc([]string{c.Class, because(ctx, c.Because), when}, func(s string) bool { return s == "" }), " · ")
}

func numbers(ns []int64) string {
	parts := make([]string, len(ns))
	for i, n := range ns {
		parts[i] = itoa(n)
	}
	return strings.Join(parts, ", ")
}

func homeTitle(ctx context.Context, f Family) string {
	if len(f.Children) == 1 {
		return page.T(ctx, "alert.home.title.one")
	}
	return page.T(ctx, "alert.home.title")
}

func childName(c Child) string {
	if c.Class == "" {
		return c.Pupil.FirstName
	}
	return c.Pupil.FirstName + ", " + c.Class
}

func stateTone(w Whereabouts) page.Tone {
	switch w {
	case InClass, InsideNow:
		return page.Here
	case WasLate:
		return page.Late
	case NotedAbsent:
		return page.Absent
	}
	return page.Soft
}

func stateText(ctx context.Context, c Child) string {
	return page.T(ctx, "alert.home.state."+string(c.State), "hour", page.Hour(ctx, c.At), "n", c.Minutes)
}

func stateSentence(ctx context.Context, f Family, c Child) string {
	switch c.State {
	case NotedAbsent:
		return page.T(ctx, "alert.home.absent", "name", c.Pupil.FirstName, "sitting", c.Sitting.Label, "from", page.Hour(ctx, c.Sitting.StartsAt), "until", page.Hour(ctx, c.Sitting.EndsAt))
	case KnownAway:
		return page.T(ctx, "alert.home.known", "name", c.Pupil.FirstName)
	}
	return ""
}

// saidTexts are the messages that began to leave for the reader, those of one kind and
// minute in one line.
func saidTexts(ctx context.Context, said []Said) []string {
	type line struct {
		key, hour string
		channels  []string
	}
	var lines []line
	for _, s := range said {
		l := line{key: "alert.home.said." + string(s.Kind), hour: page.Hour(ctx, s.At)}
		if !s.Sure {
			l.key = "alert.home.said.unsure"
		}
		i := slices.IndexFunc(lines, func(o line) bool { return o.key == l.key && o.hour == l.hour })
		if i < 0 {
			i, lines = len(lines), append(lines, l)
		}
		if channel := page.T(ctx, "alert.channel."+string(s.Channel)); !slices.Contains(lines[i].channels, channel) {
			lines[i].channels = append(lines[i].channels, channel)
		}
	}
	texts := make([]string, len(lines))
	for i, l := range lines {
		slices.Sort(l.channels)
		texts[i] = page.T(ctx, l.key, "hour", l.hour, "channel", strings.Join(l.channels, ", "))
	}
	return texts
}

// roomText names a room: "salle A103", but "Gymnase 7", which says what it is.
func roomText(ctx context.Context, room string) string {
	letters := 0
	for _, r := range room {
		if !unicode.IsLetter(r) {
			break
		}
		letters++
	}
	if letters > 2 {
		return room
	}
	return page.T(ctx, "alert.home.room", "room", room)
}

// dial is a number as a telephone takes it.
func dial(phone string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || (r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, phone)
}

func nonBreaking(phone string) string { return strings.ReplaceAll(phone, " ", "\u00a0") }
