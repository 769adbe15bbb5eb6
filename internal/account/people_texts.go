package account

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

func nameOf(p directory.Person) string { return p.FirstName + " " + p.LastName }

// activeOf is the link of the bar that these pages belong to.
func activeOf(v page.Viewer) string {
	if v.Role == page.Operator {
		return "schools"
	}
	return "accounts"
}

func toneOf(s State) page.Tone {
	switch s {
	case StateReady:
		return page.Here
	case StateCode:
		return page.Held
	case StateNew, StateComing:
		return page.Late
	}
	return page.Soft
}

func stateText(ctx context.Context, a Account, now time.Time, day string) string {
	date := page.DateYear(ctx, a.CodeExpiresAt)
	state := a.StateOn(now, day)
	switch state {
	case StateComing:
		date = dayText(ctx, a.FromOn)
	case StateEnded:
		date = dayText(ctx, a.UntilOn)
	}
	return page.T(ctx, "account.people.state."+string(state), "date", date)
}

// dayText writes a day of the school: noon is on it in every zone that pages use.
func dayText(ctx context.Context, day string) string {
	at, err := time.ParseInLocation("2006-01-02 15:04", day+" 12:00", page.Zone(ctx))
	if err != nil {
		return day
	}
	return page.DateYear(ctx, at)
}

// periodText says from when until when a role is held.
func periodText(ctx context.Context, p Period) string {
	switch {
	case p.From == "" && p.Until == "":
		return page.T(ctx, "account.people.period.always")
	case p.From == "":
		return page.T(ctx, "account.people.period.until", "until", dayText(ctx, p.Until))
	case p.Until == "":
		return page.T(ctx, "account.people.period.from", "from", dayText(ctx, p.From))
	}
	return page.T(ctx, "account.people.period.span", "from", dayText(ctx, p.From), "until", dayText(ctx, p.Until))
}

// shownPeriod is the period that a form about an account begins with.
func shownPeriod(v personView, a Account) Period {
	if v.Err != nil && v.Of == a.ID {
		return v.Period
	}
	return a.Period()
}

// wrongIn is what is wrong with a field of one of the page's forms; of is its account.
func wrongIn(ctx context.Context, v personView, of, field string) string {
	if v.Of != of {
		return ""
	}
	return page.FieldError(ctx, v.Err, field)
}

// tagOf is an account in a list: its role where there may be several, and its state.
func tagOf(ctx context.Context, k directory.Kind, a Account, now time.Time, day string) string {
	state := page.T(ctx, "account.people.tag."+string(a.StateOn(now, day)))
	if k == directory.KindStaff {
		return page.T(ctx, "page.role."+string(a.Role)) + " · " + state
	}
	return state
}

func roleOptions(ctx context.Context, roles []page.Role) []page.Option {
	out := make([]page.Option, len(roles))
	for i, r := range roles {
		out[i] = page.Option{Value: string(r), Text: page.T(ctx, "page.role."+string(r)), Note: page.T(ctx, "account.people.role."+string(r))}
	}
	return out
}

// otherRoles lists the roles that an account may be given instead.
func otherRoles(v personView, a Account) []page.Role {
	return slices.DeleteFunc(v.May(), func(r page.Role) bool { return r == a.Role })
}

// handText says to whom a letter is handed over.
func handText(ctx context.Context, l handed) string {
	switch {
	case l.Of != "":
		return page.T(ctx, "account.people.handed.of", "class", l.Class, "name", l.Of)
	case l.Class != "":
		return l.Class
	}
	return ""
}

// doneText is what the notice says after a change; empty for what nobody asked us.
func doneText(ctx context.Context, what string) string {
	switch what {
	case "close", "reopen", "role", "period":
		return page.T(ctx, "account.people.done."+what)
	}
	return ""
}
