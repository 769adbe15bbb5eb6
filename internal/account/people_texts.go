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
	case StateNew:
		return page.Late
	}
	return page.Soft
}

func stateText(ctx context.Context, a Account, now time.Time) string {
	return page.T(ctx, "account.people.state."+string(a.StateAt(now)), "date", page.DateYear(ctx, a.CodeExpiresAt))
}

// tagOf is an account in a list: its role where there may be several, and its state.
func tagOf(ctx context.Context, k directory.Kind, a Account, now time.Time) string {
	state := page.T(ctx, "account.people.tag."+string(a.StateAt(now)))
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
	case "close", "reopen", "role":
		return page.T(ctx, "account.people.done."+what)
	}
	return ""
}
