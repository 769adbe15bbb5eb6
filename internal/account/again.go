package account

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// provenFor is how long a password or a passkey is enough for what matters most.
const provenFor = 10 * time.Minute

// againField is the field of the form that asks once more. No page of ours has one of this
// name.
const againField = "again-password"

// againForm is the page that asks once more. It holds the whole form that was sent, and sends
// it again with the password: nothing is done twice, and nothing that was typed is lost.
type againForm struct {
	Identifier string
	To         string
	Fields     []page.Hidden
	Problem    problem
}

// Again is asked before a route that matters most (see page.Again): true when the viewer gave
// their password or a passkey in the last ten minutes, or gives it with this very request.
// If not it shows the page that asks.
func (k *Keeper) Again(w http.ResponseWriter, r *http.Request) (bool, error) {
	viewer, ok := page.ViewerFrom(r.Context())
	if !ok {
		return false, page.Forbidden("page.forbidden.text")
	}
	if err := r.ParseForm(); err != nil {
		return false, err
	}
	password := r.PostForm.Get(againField)
	r.PostForm.Del(againField)
	r.Form.Del(againField)
	if lately(k.clock(), viewer) {
		return true, nil
	}
	form := againForm{Identifier: viewer.Name, To: r.URL.RequestURI(), Fields: fieldsOf(r)}
	if password == "" {
		return false, k.askAgain(w, r, http.StatusOK, form)
	}
	err := k.proveAgain(r, viewer, password)
	if err == nil {
		return true, nil
	}
	known := false
	if form.Problem, known = k.problemOf(w, r, err); !known {
		return false, err
	}
	if errors.Is(err, ErrWrong) {
		form.Problem.title, form.Problem.text = page.T(r.Context(), "account.again.wrong"), ""
	}
	return false, k.askAgain(w, r, form.Problem.status, form)
}

func lately(now time.Time, v page.Viewer) bool {
	since := now.Sub(v.Proven)
	return !v.Proven.IsZero() && since >= 0 && since < provenFor
}

func (k *Keeper) askAgain(w http.ResponseWriter, r *http.Request, status int, form againForm) error {
	viewer, _ := page.ViewerFrom(r.Context())
	err := k.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		a, err := ByID(ctx, tx, viewer.Account)
		form.Identifier = a.Identifier
		return err
	})
	if err != nil {
		return err
	}
	return private(w, r, status, againPage(form))
}

// proveAgain checks the viewer's password and keeps that it was given.
func (k *Keeper) proveAgain(r *http.Request, viewer page.Viewer, password string) error {
	ctx := r.Context()
	var a Account
	err := k.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		a, err = ByID(ctx, tx, viewer.Account)
		return err
	})
	if err != nil {
		return err
	}
	d, _ := k.deviceOf(r)
	p, err := k.prove(ctx, a.Identifier, password, d, inside)
	if err != nil {
		k.refused(ctx, "once more", a.ID, err)
		return err
	}
	return k.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if _, err := k.settle(ctx, tx, p); err != nil {
			return err
		}
		return prove(ctx, tx, k.clock(), viewer.Session)
	})
}

// fieldsOf is everything that a form sent, in an order that does not change.
func fieldsOf(r *http.Request) []page.Hidden {
	var names []string
	for name := range r.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []page.Hidden
	for _, name := range names {
		for _, value := range r.PostForm[name] {
			out = append(out, page.Hidden{Name: name, Value: value})
		}
	}
	return out
}
