package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// letter is what is printed for somebody who has yet to choose a password.
type letter struct {
	Account Account
	Name    string // of the person
	School  directory.School
	Address string // of this site, as it is typed
	Code    string // shown this once
	Lang    string // that the person reads; empty: the school's
}

// ErrIssue: the account exists in one's own school, and is not one's to open.
var ErrIssue = page.Forbidden("account.letter.forbidden")

// ErrClosed: no letter is made for a closed account.
var ErrClosed = page.Conflict("account.letter.closed")

// mayIssue reads the account that a letter is asked for. What belongs to another
// school does not exist.
func mayIssue(ctx context.Context, tx database.Tx, viewer page.Viewer, id string) (letter, error) {
	a, err := ByID(ctx, tx, id)
	if errors.Is(err, ErrNone) {
		return letter{}, page.NotFound()
	}
	if err != nil {
		return letter{}, err
	}
	if viewer.Role != page.Operator && (viewer.School == "" || a.School != viewer.School) {
		return letter{}, page.NotFound()
	}
	if !mayIssueCode(viewer.Role, a.Role) {
		return letter{}, ErrIssue
	}
	l := letter{Account: a, Name: a.Identifier}
	if a.School == "" {
		return l, nil
	}
	if l.School, err = directory.SchoolByID(ctx, tx, a.School); err != nil {
		return letter{}, fmt.Errorf("account %s: %w", id, err)
	}
	if a.Person != "" {
		p, err := directory.PersonByID(ctx, tx, a.School, a.Person)
		if err != nil {
			return letter{}, fmt.Errorf("account %s: %w", id, err)
		}
		l.Name = p.FirstName + " " + p.LastName
	}
	return l, nil
}

// showLetter tells what a letter would be for. Looking at it issues nothing.
func (k *Keeper) showLetter(w http.ResponseWriter, r *http.Request) error {
	viewer, _ := page.ViewerFrom(r.Context())
	var l letter
	err := k.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		l, err = mayIssue(ctx, tx, viewer, r.PathValue("account"))
		return err
	})
	if err != nil {
		return err
	}
	if !k.clock().Before(l.Account.CodeExpiresAt) {
		l.Account.CodeHash = ""
	}
	return private(w, r, http.StatusOK, beforeLetterPage(l))
}

// takeCode issues a code and shows its letter, which is the one time that anybody
// sees it.
func (k *Keeper) takeCode(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	viewer, _ := page.ViewerFrom(ctx)
	id := r.PathValue("account")
	var l letter
	look := func(ctx context.Context, tx database.Tx) (err error) {
		l, err = mayIssue(ctx, tx, viewer, id)
		return err
	}
	// Which school's transaction it is, only the account tells.
	if err := k.db.Read(ctx, look); err != nil {
		return err
	}
	err := k.inSchoolOf(ctx, l.Account, func(ctx context.Context, tx database.Tx) error {
		if err := look(ctx, tx); err != nil {
			return err
		}
		code, err := IssueCode(ctx, tx, k.clock(), id)
		if errors.Is(err, ErrDisabled) {
			return ErrClosed
		}
		if err != nil {
			return err
		}
		l.Code = code
		l.Account.CodeExpiresAt = k.clock().Add(CodeLife)
		return k.note(ctx, tx, l.Account, viewer.Account, "code")
	})
	if err != nil {
		return err
	}
	l.Address = k.address(r)
	k.log.InfoContext(ctx, "code issued", "account", id, "by", viewer.Account)
	return private(w, r, http.StatusOK, letterPage(handed{letter: l}, "/people/"+id+"/letter"))
}

// address is where people type the site: as configured, since behind another web server
// the request may name something else; else as the request says.
func (k *Keeper) address(r *http.Request) string {
	switch {
	case k.url != "":
		return k.url
	case k.secure:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
