package account

import (
	"context"

	"github.com/preau-ent/preau/internal/page"
)

// sessionName is what the owner recognises a session by.
func sessionName(ctx context.Context, s Session) string {
	if s.Browser == "" {
		return page.T(ctx, "account.session.unknown")
	}
	return s.Browser
}

// stateOf says in words how far an account is.
func stateOf(ctx context.Context, a Account) string {
	switch {
	case !a.DisabledAt.IsZero():
		return page.T(ctx, "account.state.closed")
	case a.CodeHash != "":
		return page.T(ctx, "account.state.code", "date", page.DateYear(ctx, a.CodeExpiresAt))
	case a.Password != "":
		return page.T(ctx, "account.state.ready")
	}
	return page.T(ctx, "account.state.new")
}

// passkeyName is what the owner recognises a passkey by.
func passkeyName(ctx context.Context, p passkey) string {
	if p.Name == "" {
		return page.T(ctx, "account.session.unknown")
	}
	return p.Name
}

func passkeyUse(ctx context.Context, p passkey) string {
	if p.UsedAt.IsZero() {
		return page.T(ctx, "account.passkey.since", "when", page.DateYear(ctx, p.CreatedAt))
	}
	return page.T(ctx, "account.passkey.used", "when", page.DateYear(ctx, p.UsedAt))
}
