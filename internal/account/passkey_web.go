package account

import (
	"context"
	"errors"
	"net/http"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// What a device answers comes in the field "passkey" of an ordinary form, which a few lines of
// script fill. Without script the password does.

// takePasskeySignIn opens a session for whoever's device answered.
func (k *Keeper) takePasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	ctx := r.Context()
	form := signInForm{Next: page.Local(r.PostForm.Get("next")), Own: r.PostForm.Get("device") == "own"}
	v := k.visitor(r)
	if v.on = Shared; form.Own {
		v.on = Passkey
	}
	a, err := k.answered(r, forSignIn, r.PostForm.Get("passkey"), "")
	var s Session
	if err == nil {
		err = k.db.Write(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			s, err = k.open(ctx, tx, a, v)
			return err
		})
	}
	if err != nil {
		known := false
		if form.Problem, known = k.problemOf(w, r, err); !known {
			return err
		}
		k.log.InfoContext(ctx, "refused", "what", "passkey", "account", a.ID)
		if form.Question, err = k.questionAtSignIn(w, r); err != nil {
			return err
		}
		return private(w, r, form.Problem.status, signInPage(form))
	}
	k.log.InfoContext(ctx, "signed in", "account", a.ID, "school", a.School, "with", "passkey")
	k.welcome(w, r, a, s, v)
	return page.See(w, r, form.Next)
}

// enrolForm is the page on which a device makes its passkey.
type enrolForm struct {
	Question string
}

// askPasskey shows that page, once the viewer showed who they are: whoever adds a passkey can
// come back.
func (k *Keeper) askPasskey(w http.ResponseWriter, r *http.Request, viewer page.Viewer) error {
	if goes, err := k.Again(w, r); err != nil || !goes {
		return err
	}
	h, err := k.holder(r.Context(), viewer.Account)
	if err != nil {
		return err
	}
	var form enrolForm
	form.Question, err = k.questionAtEnrolment(w, r, h)
	if errors.Is(err, ErrPasskey) {
		return page.Conflict("account.passkey.nowhere")
	}
	if err != nil {
		return err
	}
	return private(w, r, http.StatusOK, enrolPage(form))
}

// takePasskey keeps what the device made.
func (k *Keeper) takePasskey(w http.ResponseWriter, r *http.Request, viewer page.Viewer) error {
	if goes, err := k.Again(w, r); err != nil || !goes {
		return err
	}
	ctx := r.Context()
	h, err := k.holder(ctx, viewer.Account)
	if err != nil {
		return err
	}
	p, err := k.enrolled(r, h, r.PostForm.Get("passkey"))
	if err == nil {
		c, _ := k.challengeOf(r, forEnrolment)
		err = k.inSchoolOf(ctx, h.account, func(ctx context.Context, tx database.Tx) error {
			if err := addPasskey(ctx, tx, k.clock(), c, p); err != nil {
				return err
			}
			return k.note(ctx, tx, h.account, viewer.Account, "passkey-added")
		})
	}
	switch {
	case errors.Is(err, ErrPasskey):
		return page.Conflict("account.passkey.not")
	case errors.Is(err, errMany):
		return page.Conflict("account.passkey.many", "n", mostPasskeys)
	case err != nil:
		return err
	}
	return page.See(w, r, "/account?done=passkey")
}

// dropPasskey removes one.
func (k *Keeper) dropPasskey(w http.ResponseWriter, r *http.Request, viewer page.Viewer) error {
	ctx := r.Context()
	h, err := k.holder(ctx, viewer.Account)
	if err != nil {
		return err
	}
	id := r.PostForm.Get("passkey")
	err = k.inSchoolOf(ctx, h.account, func(ctx context.Context, tx database.Tx) error {
		gone, err := endPasskey(ctx, tx, viewer.Account, id)
		if err != nil || !gone {
			return err
		}
		return k.note(ctx, tx, h.account, viewer.Account, "passkey-removed")
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/account")
}

func (k *Keeper) holder(ctx context.Context, account string) (h holderOf, err error) {
	err = k.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if h.account, err = ByID(ctx, tx, account); err != nil {
			return err
		}
		h.keys, err = passkeysOf(ctx, tx, account)
		return err
	})
	return h, err
}
