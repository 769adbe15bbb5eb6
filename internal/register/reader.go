package register

import (
	"context"

	"github.com/preau-ent/preau/internal/page"
)

// reader is who a month of half-days is shown to. A form teacher is told what is still to be
// justified, and of the rest not which reason was given nor what the school thinks of it.
type reader int

const (
	byOffice reader = iota
	byFamily
	byFormTeacher
)

// count: 4 demi-journées, dont 3 sans motif légitime; for a form teacher dont 3 à justifier.
func (r reader) count(ctx context.Context, c Count) string {
	if r == byFormTeacher {
		return page.T(ctx, "register.form.count", "n", c.All, "open", c.Open)
	}
	return countText(ctx, c)
}

func (r reader) state(ctx context.Context, s State) string {
	if r == byFormTeacher && s != Open {
		return page.T(ctx, "register.form.seen")
	}
	return stateText(ctx, s)
}

func (r reader) tone(s State) page.Tone {
	if r == byFormTeacher && s != Open {
		return page.Soft
	}
	return stateTone(s)
}
