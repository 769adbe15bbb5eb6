package alert

import (
	"context"

	"github.com/preau-ent/preau/internal/page"
)

func correctFields(m mistakes, s whatWasSaid) []page.Hidden {
	scope := s.Sitting
	if scope == "" {
		scope = wholeHalfDay
	}
	return []page.Hidden{{Name: "scope", Value: scope}, {Name: "half", Value: m.HalfDay}}
}

// correctLabel says what the press will do, and to how many.
func correctLabel(ctx context.Context, s whatWasSaid) string {
	if s.Told == 0 {
		return page.T(ctx, "alert.correct.press.held", "n", s.Held)
	}
	return page.T(ctx, "alert.correct.press", "n", s.Told)
}

func saidText(ctx context.Context, s whatWasSaid) string {
	out := page.T(ctx, "alert.correct.told", "n", s.Told)
	if s.Held > 0 {
		out += " · " + page.T(ctx, "alert.correct.held", "n", s.Held)
	}
	return out
}

func pressedTitle(ctx context.Context, g progress) string {
	if g.Title == "" || g.Sitting == "" {
		return page.T(ctx, "alert.correct.pressed.all", "at", page.Hour(ctx, g.At))
	}
	return page.T(ctx, "alert.correct.pressed", "at", page.Hour(ctx, g.At), "roll", g.Title)
}

func pressedText(ctx context.Context, g progress) string {
	if g.Open > 0 || g.DoneAt.IsZero() {
		return page.T(ctx, "alert.correct.going", "n", g.Left, "open", page.Number(ctx, g.Open))
	}
	if g.Left < g.Of {
		return page.T(ctx, "alert.correct.leaving", "n", g.Left, "of", page.Number(ctx, g.Of))
	}
	return page.T(ctx, "alert.correct.done", "n", g.Left)
}

// refreshOf makes the page look again while a correction is on its way.
func refreshOf(m mistakes) int {
	for _, g := range m.Pressed {
		if g.Open > 0 || g.Left < g.Of || g.DoneAt.IsZero() {
			return 2
		}
	}
	return 0
}
