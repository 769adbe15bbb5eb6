package alert

import (
	"context"
	"slices"

	"github.com/preau-ent/preau/internal/page"
)

// forRole is the board as a role may read it. A supervisor telephones whom the list names,
// and must not learn from it that somebody was taken off: only the head and the CPE know of
// a court's decisions. The rows that would say so stay with the office, and every count is
// made without them. The board itself is shared, and left as it is.
func (b *board) forRole(role page.Role) *board {
	if role != page.Supervisor {
		return b
	}
	mine := *b
	mine.calls = slices.DeleteFunc(slices.Clone(b.calls), func(c Call) bool { return c.Adult != "" && !b.call(c).Entitled })
	return &mine
}

// because is why somebody is to be telephoned, as a role may read it.
func because(ctx context.Context, why Because) string {
	if v, _ := page.ViewerFrom(ctx); v.Role == page.Supervisor && (why == NotEntitled || why == NobodyToTell) {
		return page.T(ctx, "alert.because.ask")
	}
	return page.T(ctx, "alert.because."+string(why))
}

// leads tells whether the reader may open what answers for messages: their story, the
// breaker, corrections, being in service. To a supervisor the board says what is, without
// a way to pages that would be refused.
func leads(ctx context.Context) bool {
	v, ok := page.ViewerFrom(ctx)
	return !ok || page.SchoolOffice().Allows(v.Role)
}
