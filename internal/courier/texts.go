package courier

import (
	"context"
	"strings"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

func title(ctx context.Context, p post) string {
	if p.Pretend {
		return page.T(ctx, "courier.title.pretend")
	}
	return page.T(ctx, "courier.title")
}

func name(p directory.Person) string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

// hourIn writes when a letter left, with its day, by the clock of its school.
func hourIn(ctx context.Context, p piece) string {
	if v, ok := page.ViewerFrom(ctx); !ok || v.Zone == nil {
		ctx = page.WithViewer(ctx, page.Viewer{Zone: p.Zone})
	}
	return page.DateHour(ctx, p.Letter.LeavingAt)
}

func tone(s State) page.Tone {
	switch s {
	case Left, Delivered:
		return page.Here
	case Refused, Unsure:
		return page.Absent
	case Unheard:
		return page.Late
	}
	return page.Soft
}

// stateText says what became of a letter; where nothing can leave, what would have.
func stateText(ctx context.Context, p piece) string {
	if p.Pretend && p.Letter.State == Left {
		return page.T(ctx, "courier.state.left.pretend")
	}
	return page.T(ctx, "courier.state."+string(p.Letter.State))
}

func doorsTitle(ctx context.Context, d doorsView) string {
	switch {
	case d.Locked:
		return page.T(ctx, "courier.doors.title.locked")
	case d.Stopped:
		return page.T(ctx, "courier.doors.title.stopped", "at", page.Hour(ctx, d.Stop.At))
	}
	return page.T(ctx, "courier.doors.title")
}

// askOf is the deed by which somebody asks for another one to be done.
func askOf(what string) string {
	if what == "arm" {
		return "arm-ask"
	}
	return "ask"
}
