package app

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/live"
)

// mayEnterClass asks the class who may be in its sound and picture, and what they may send.
func (a *App) mayEnterClass(ctx context.Context, school, person, sitting string) (live.Grants, error) {
	m, err := a.classPages.MayEnter(ctx, school, person, sitting)
	if errors.Is(err, classroom.ErrNotIn) {
		return live.Grants{}, live.ErrRefused
	}
	return grants(m), err
}

func grants(m classroom.Member) live.Grants {
	return live.Grants{Name: m.Name, Microphone: m.Microphone, Camera: m.Camera, Screen: m.Screen}
}

// sound is the engine as classes use it. None of these starts it or waits for it: while it does
// not serve nobody is connected, and whoever connects is asked for anew.
func (a *App) sound() *classroom.Media {
	there := func() error {
		if a.Live.State().Kind != live.Serving {
			return live.ErrAway
		}
		return nil
	}
	return &classroom.Media{
		Address: func(school, sitting string) string { return "/live/" + Room(school, sitting) },
		Missing: func() bool {
			switch a.Live.State().Kind {
			case live.Missing:
				return true
			case live.Idle: // nobody looked for it yet
				program, err := live.Program(a.Config.Live.Program)
				if err == nil {
					_, err = os.Stat(program)
				}
				return err != nil
			}
			return false
		},
		Floor: func(ctx context.Context, school, sitting, person string, m classroom.Member) error {
			if err := there(); err != nil {
				return err
			}
			return a.Live.Floor(ctx, Room(school, sitting), Member(school, person), grants(m))
		},
		Out: func(ctx context.Context, school, sitting, person string) error {
			a.Signalling.Cut(Room(school, sitting), Member(school, person))
			if err := there(); err != nil {
				return err
			}
			return a.Live.Remove(ctx, Room(school, sitting), Member(school, person))
		},
		Sends: func(ctx context.Context, school, sitting string) (map[string]classroom.Floor, error) {
			if err := there(); err != nil {
				return nil, err
			}
			all, err := a.Live.Present(ctx, Room(school, sitting))
			out := make(map[string]classroom.Floor, len(all))
			for _, p := range all {
				person, _ := strings.CutPrefix(p.Person, Member(school, ""))
				out[person] = sends(p.Sends)
			}
			return out, err
		},
	}
}

// sends is what comes from somebody now.
func sends(tracks []live.Track) (f classroom.Floor) {
	for _, t := range tracks {
		switch {
		case t.Muted:
		case t.Source == live.Microphone:
			f.Microphone = true
		case t.Source == live.Camera:
			f.Camera = true
		default: // the screen, its sound, and what the engine has no name for
			f.Screen = true
		}
	}
	return f
}
