package guard

import (
	"context"
	"strings"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// sum adds up the messages of some states; of none, all.
func sum(today map[State]int, states ...State) (n int) {
	if len(states) == 0 {
		for _, one := range today {
			n += one
		}
	}
	for _, s := range states {
		n += today[s]
	}
	return n
}

func toneOf(asks bool, t page.Tone) page.Tone {
	if asks {
		return t
	}
	return ""
}

// sheetTitle says what is held; to the second person without a number.
func sheetTitle(ctx context.Context, v view, t shown) string {
	if t.Second(v.By) {
		return page.T(ctx, "guard.held.second")
	}
	if t.Messages == 0 {
		return page.T(ctx, "guard.held.none")
	}
	return page.T(ctx, "guard.held", "n", t.Messages)
}

func title(ctx context.Context, t shown) string {
	if t.Text == "" {
		return page.T(ctx, "guard.purged")
	}
	return short(t.Text)
}

// short is the beginning of a text, for a list.
func short(text string) string {
	if r := []rune(strings.Join(strings.Fields(text), " ")); len(r) > 90 {
		return string(r[:89]) + "…"
	}
	return text
}

// phone writes a number in pairs, as people read it out.
func phone(m Message) string {
	rest, ok := strings.CutPrefix(m.Address, "+33")
	if !ok || len(rest) != 9 {
		return m.Address
	}
	return "0" + rest[:1] + " " + rest[1:3] + " " + rest[3:5] + " " + rest[5:7] + " " + rest[7:]
}

// because says what became of a message that somebody telephones about.
func because(ctx context.Context, m Message) string {
	switch {
	case m.State != courier.Void:
		return page.T(ctx, "guard.because."+string(m.State))
	case m.Because == BecauseIncomplete, m.Because == courier.BecauseExpired, m.Because == courier.BecauseFenced, m.Because == courier.BecauseCap, m.Because == courier.BecauseNoCarrier:
		return page.T(ctx, "guard.because."+m.Because)
	}
	return page.T(ctx, "guard.because.void")
}

func who(ctx context.Context, people map[string]directory.Person, id string) string {
	if strings.HasPrefix(id, "operator:") {
		return page.T(ctx, "guard.who.operator")
	}
	p, ok := people[id]
	if !ok {
		return page.T(ctx, "guard.who.unknown")
	}
	return strings.TrimSpace(p.FirstName + " " + p.LastName)
}

func expectedError(ctx context.Context, v view, t shown) string {
	if v.Failed == t.ID && v.Why == "expected" {
		return page.T(ctx, "guard.expected.wrong")
	}
	return ""
}
