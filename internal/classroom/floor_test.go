package classroom

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// may is what the check at the engine's door answers: m, c and s for what may be sent, - for
// nothing, out for whoever may not be there.
func (s *school) may(person string) string {
	s.t.Helper()
	m, err := s.pages.MayEnter(s.t.Context(), s.town.School.ID, person, "maths")
	if errors.Is(err, ErrNotIn) {
		return "out"
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return m.letters()
}

func (f Floor) letters() (out string) {
	for _, one := range []struct {
		letter string
		has    bool
	}{{"m", f.Microphone}, {"c", f.Camera}, {"s", f.Screen}} {
		if one.has {
			out += one.letter
		}
	}
	if out == "" {
		return "-"
	}
	return out
}

func (s *school) wantMay(when string, want map[string]string) {
	s.t.Helper()
	for person, letters := range want {
		if got := s.may(person); got != letters {
			s.t.Errorf("%s: %s may %s, want %s", when, person, got, letters)
		}
	}
}

// The check at every connection to sound and picture: by account, enrolment, entry, removal,
// the class opened and not ended; a pupil only what was given, each apart.
func TestTheFloor(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.wantMay("nobody came", map[string]string{"roy": "out", "lea": "out", "sami": "out", "nadia": "out", "cpe": "out", "": "out", "unknown": "out"})
		s.get("lea")
		s.wantMay("before the teacher", map[string]string{"lea": "out"})
		s.get("roy")
		s.get("malo")
		s.do("sami", "ask", 303)
		s.wantMay("opened", map[string]string{"roy": "mcs", "lea": "-", "malo": "-", "ewen": "out", "sami": "out", "nadia": "out"})
		for _, where := range [][2]string{{"another", "maths"}, {s.town.School.ID, "unknown"}, {s.town.School.ID, "francais"}} {
			if _, err := s.pages.MayEnter(t.Context(), where[0], "lea", where[1]); !errors.Is(err, ErrNotIn) {
				t.Errorf("%v: %v", where, err)
			}
		}
		for who, where := range map[string]string{"roy": "try.lea", "lea": "try.", "": "try."} {
			if _, err := s.pages.MayEnter(t.Context(), s.town.School.ID, who, where); !errors.Is(err, ErrNotIn) {
				t.Errorf("%q in the trial %q: %v", who, where, err)
			}
		}
		s.do("roy", "person", 303, "person", "sami", "to", "in")
		s.wantMay("a guest", map[string]string{"sami": "-"})

		give := func(status int, as, person, what, yes string) {
			t.Helper()
			s.do(as, "floor", status, "person", person, "what", what, "give", yes)
		}
		give(303, "roy", "lea", "microphone", "yes")
		s.wantMay("one microphone", map[string]string{"lea": "m", "malo": "-", "sami": "-"})
		give(303, "roy", "malo", "screen", "yes")
		give(303, "roy", "malo", "camera", "yes")
		give(303, "roy", "malo", "screen", "no")
		s.wantMay("each apart", map[string]string{"lea": "m", "malo": "c"})
		for _, as := range []string{"lea", "malo", "sami", "nadia", "cpe"} {
			give(403, as, "malo", "screen", "yes")
			give(403, as, "", "microphone", "yes")
		}
		give(404, "roy", "roy", "microphone", "no")
		give(404, "roy", "ewen", "microphone", "yes") // not there
		give(404, "roy", "lea", "everything", "yes")
		give(404, "roy", "", "camera", "yes") // nobody's cameras all at once
		s.wantMay("refused deeds", map[string]string{"roy": "mcs", "lea": "m", "malo": "c", "sami": "-"})

		// Muted for good holds against "everybody"; the teacher alone undoes it, by name.
		give(303, "roy", "lea", "microphone", "no")
		give(303, "roy", "", "microphone", "yes")
		s.get("ewen")
		s.wantMay("everybody", map[string]string{"lea": "-", "malo": "mc", "sami": "m", "ewen": "m"})
		give(303, "roy", "lea", "microphone", "yes")
		s.wantMay("by name", map[string]string{"lea": "m"})
		give(303, "roy", "", "microphone", "no")
		s.wantMay("nobody", map[string]string{"lea": "-", "malo": "c", "sami": "-", "ewen": "-"})

		// Taken out, and let back without what they had; who was muted still is.
		give(303, "roy", "lea", "microphone", "no")
		give(303, "roy", "malo", "microphone", "yes")
		for _, person := range []string{"lea", "malo"} {
			s.do("roy", "person", 303, "person", person, "to", "removed")
		}
		s.wantMay("taken out", map[string]string{"lea": "out", "malo": "out"})
		give(404, "roy", "lea", "microphone", "yes")
		for _, person := range []string{"lea", "malo"} {
			s.do("roy", "person", 303, "person", person, "to", "in")
		}
		s.wantMay("let back", map[string]string{"lea": "-", "malo": "-"})
		give(303, "roy", "", "microphone", "yes")
		s.wantMay("let back, everybody", map[string]string{"lea": "-", "malo": "m"})

		// No longer enrolled, ended, over.
		s.do("roy", "end", 303)
		s.wantMay("ended", map[string]string{"roy": "out", "malo": "out"})
		s.do("roy", "end", 303, "end", "no")
		s.wantMay("again", map[string]string{"roy": "mcs", "malo": "m"})
		s.write(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewDelete().TableExpr("directory_members").Where("school = ? AND person = ?", s.town.School.ID, "malo").Exec(ctx)
			return err
		})
		s.wantMay("no longer enrolled", map[string]string{"malo": "out"})
		s.now = s.now.Add(2 * time.Hour)
		s.wantMay("over", map[string]string{"roy": "out", "sami": "out"})
	})
}

// Without an engine the page says so in words, and the rest of the class is there; with one it
// opens a line by a button only, and the floor is the teacher's to give.
func TestThePageWithoutAnEngine(t *testing.T) {
	t.Parallel()
	s := newSchool(t, databasetest.SQLite(t))
	without, teachers := page.Plain(s.get("lea")), s.get("roy")
	if !strings.Contains(without, "n'a pas leur moteur") || !strings.Contains(without, "Lever la main") || strings.Contains(without, "sound-join") || strings.Contains(teachers, "maths/floor") {
		t.Error("a class without an engine")
	}
	e := &pretended{told: map[string]string{}, news: make(chan struct{}, 1)}
	s.pages.Media = e.media()
	s.do("lea", "hand", 303)
	with, teachers := s.get("lea"), s.get("roy")
	if !strings.Contains(with, `data-address="/live/maths"`) || !strings.Contains(with, "<noscript>") || strings.Contains(with, "maths/floor") {
		t.Error("a class with an engine, for a pupil")
	}
	if !strings.Contains(teachers, "maths/floor") || !strings.Contains(teachers, "Donner le micro à tous") || strings.Count(page.Plain(teachers), "Donner le micro") != 2 {
		t.Error("a class with an engine, for its teacher")
	}
}

// pretended is an engine that keeps what it was told, and does not know anybody at first.
type pretended struct {
	mu    sync.Mutex
	deaf  int // so many calls are refused
	told  map[string]string
	news  chan struct{}
	sends map[string]Floor
}

func (e *pretended) tell(person, what string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deaf > 0 {
		e.deaf--
		return errors.New("not there")
	}
	e.told[person] = what
	select {
	case e.news <- struct{}{}:
	default:
	}
	return nil
}

func (e *pretended) media() *Media {
	return &Media{
		Address: func(school, sitting string) string { return "/live/" + sitting },
		Missing: func() bool { return false },
		Floor:   func(_ context.Context, _, _, person string, m Member) error { return e.tell(person, m.letters()) },
		Out:     func(_ context.Context, _, _, person string) error { return e.tell(person, "out") },
		Sends: func(context.Context, string, string) (map[string]Floor, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.sends, nil
		},
	}
}

// until waits until the engine was told something.
func (e *pretended) until(t *testing.T, want string) {
	t.Helper()
	for over := time.After(10 * time.Second); ; {
		e.mu.Lock()
		got := fmt.Sprint(e.told)
		e.mu.Unlock()
		if got == want {
			return
		}
		select {
		case <-e.news:
		case <-over:
			t.Fatalf("the engine was told %s, want %s", got, want)
		}
	}
}

// The engine follows each change at once; what it refuses at first is said again; who sends what
// they may not is put right by the sweep.
func TestTheEngineFollows(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		e := &pretended{told: map[string]string{}, news: make(chan struct{}, 1), deaf: 1}
		s.pages.Media = e.media()
		s.get("roy")
		s.get("lea")
		s.do("roy", "floor", 303, "person", "lea", "what", "microphone", "give", "yes")
		s.do("roy", "floor", 303, "person", "lea", "what", "camera", "give", "yes")
		e.until(t, "map[lea:mc]")
		s.do("roy", "person", 303, "person", "lea", "to", "removed")
		e.until(t, "map[lea:out]")
		s.do("roy", "floor", 303, "what", "microphone", "give", "yes")
		e.until(t, "map[lea:out roy:mcs]")
		s.get("malo")
		_, leave, err := s.pages.live.join(seat{s.town.School.ID, "maths", "malo"}, "one", false, s.pages.versions)
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		e.mu.Lock()
		e.sends = map[string]Floor{"malo": {Camera: true}, "roy": {Screen: true}, "lea": {}}
		e.mu.Unlock()
		s.pages.sweep(t.Context(), s.pages.sending(t.Context()))
		e.until(t, "map[lea:out malo:m roy:mcs]")
		s.do("roy", "end", 303)
		e.until(t, "map[lea:out malo:out roy:out]")
	})
}
