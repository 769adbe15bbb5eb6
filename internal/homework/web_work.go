package homework

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// handed is the work of one pupil for a step, as it is read. Without a Work it was not handed in.
type handed struct {
	Pupil directory.Person // of whoever writes the lesson
	Work  *Work
	HTML  string
	Word  string // HTML
	Late  bool
}

// sign names the text that was read.
func (h handed) sign() string { return h.Work.HandedAt.UTC().Format(time.RFC3339Nano) }

// handed reads what was handed in for a step: the pupil's own, or by name everybody's.
func (v *view) handed(s *readStep) error {
	if s.WorkUntil.IsZero() {
		return nil
	}
	one := func(pupil directory.Person) (handed, error) {
		h := handed{Pupil: pupil}
		w, ok := v.Works[s.N][pupil.ID]
		if !ok {
			return h, nil
		}
		var err error
		if h.HTML, err = html(w.Text); err != nil {
			return h, err
		}
		if h.Word, err = html(w.Word); err != nil {
			return h, err
		}
		h.Work, h.Late = &w, w.Late(s.Step)
		return h, nil
	}
	if v.Pupil != "" {
		own, err := one(directory.Person{ID: v.Pupil})
		s.Own = &own
		return err
	}
	for _, p := range v.Progress.Pupils {
		h, err := one(p)
		if err != nil {
			return err
		}
		s.Handed = append(s.Handed, h)
	}
	return nil
}

// in is how many handed their work in.
func (s readStep) in() (n int) {
	for _, h := range s.Handed {
		if h.Work != nil {
			n++
		}
	}
	return n
}

func (p *Pages) handIn(ctx context.Context, tx database.Tx, d desk, f url.Values) (string, error) {
	s := typed(f)
	return "step-" + strconv.Itoa(s.N), handIn(ctx, tx, d, s.N, typedText(f.Get("work")), p.Now())
}

func (p *Pages) giveBack(ctx context.Context, tx database.Tx, d desk, v page.Viewer, f url.Values) (map[string]string, error) {
	s := typed(f)
	return map[string]string{"n": strconv.Itoa(s.N), "pupil": f.Get("pupil")}, giveBack(ctx, tx, d, s.N, f.Get("pupil"), f.Get("handed"), typedText(f.Get("word")), v.Account, p.Now())
}
