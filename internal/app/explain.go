package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// Explain writes the whole story of a message, found by its reference, its id or its
// Message-ID, in a language of the pages. courier.ErrNotFound: it is not from here.
func (a *App) Explain(ctx context.Context, w io.Writer, message, lang string) error {
	words, err := Words()
	if err != nil {
		return err
	}
	var story alert.Story
	told := false
	var notice *notices.Story
	var relayed *guard.Story
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		l, err := courier.Find(ctx, tx, message)
		if errors.Is(err, courier.ErrNotFound) {
			one, found, err := guard.Explain(ctx, tx, message)
			if err == nil && !found {
				err = courier.ErrNotFound
			}
			relayed = &one
			return err
		}
		if err != nil {
			return err
		}
		if l.Kind == courier.Daily {
			_, err := fmt.Fprintln(w, words.Say(lang, "app.explain.daily", page.Args{"day": strings.TrimPrefix(l.Ref, "daily/"), "state": string(l.State)}))
			told = true
			return err
		}
		if l.Kind == courier.Notice {
			one, err := notices.Explain(ctx, tx, l.School, l.ID)
			notice = &one
			return err
		}
		// Whoever runs commands can read the database: nothing is held back here.
		story, err = alert.Explain(ctx, tx, alert.Question{School: l.School, Letter: l.ID, Court: true, Actors: actors})
		return err
	})
	if err != nil || told {
		return err
	}
	if relayed != nil {
		return guard.WriteExplain(w, words, lang, *relayed)
	}
	if notice != nil {
		return notices.WriteExplain(ctx, w, words, lang, *notice)
	}
	return alert.WriteExplain(ctx, w, words, lang, story)
}
