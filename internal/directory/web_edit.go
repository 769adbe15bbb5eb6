package directory

import (
	"context"
	"net/http"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// pointView is the form of a contact point.
type pointView struct {
	circleView
	Of      Near
	Channel string
	Address string
	Err     error
}

// nearOf reads the circle and the person of the path in it: an adult whom the source
// still joins to the pupil, or the pupil.
func (p *Pages) nearOf(r *http.Request) (circleView, Near, error) {
	view, err := p.circle(r)
	if err != nil {
		return view, Near{}, err
	}
	id := r.PathValue("adult")
	if id == view.Pupil.ID {
		return view, Near{Person: view.Pupil}, nil
	}
	n, ok := view.Adult(id)
	if !ok {
		return view, Near{}, page.NotFound()
	}
	if !n.Link.EndedAt.IsZero() {
		return view, Near{}, ErrLinkEnded
	}
	return view, n, nil
}

func (p *Pages) pointForm(w http.ResponseWriter, r *http.Request) error {
	view, n, err := p.nearOf(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, pointPage(pointView{circleView: view, Of: n, Channel: string(SMS)}))
}

func (p *Pages) addPoint(w http.ResponseWriter, r *http.Request) error {
	pupil, person := r.PathValue("pupil"), r.PathValue("adult")
	err := p.change(w, r, "point", person, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		_, err := h.AddPoint(ctx, tx, s, pupil, person, Channel(r.PostForm.Get("channel")), r.PostForm.Get("address"))
		return err
	})
	if !typed(err) {
		return err
	}
	view, n, err2 := p.nearOf(r)
	if err2 != nil {
		return err2
	}
	return page.Show(w, r, http.StatusUnprocessableEntity, pointPage(pointView{circleView: view, Of: n, Err: err,
		Channel: r.PostForm.Get("channel"), Address: clipped(r.PostForm.Get("address"), 260)}))
}

func (p *Pages) endPoint(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "ended", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.EndPoint(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("point"))
	})
}

func (p *Pages) verifyPoint(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "verified", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.VerifyPoint(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("point"))
	})
}

func (p *Pages) resumePoint(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "resumed", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.ResumePoint(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("point"), r.PostForm.Get("note"))
	})
}

func (p *Pages) choose(w http.ResponseWriter, r *http.Request) error {
	adult := r.PathValue("adult")
	return p.change(w, r, "chosen", adult, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		switch r.PostForm.Get("told") {
		case "yes":
			return h.Choose(ctx, tx, s, r.PathValue("pupil"), adult, true)
		case "no":
			return h.Choose(ctx, tx, s, r.PathValue("pupil"), adult, false)
		}
		return errForm
	})
}

// adultView is the form of an adult who stands in no file.
type adultView struct {
	circleView
	New NewAdult
	Err error
}

func (p *Pages) adultForm(w http.ResponseWriter, r *http.Request) error {
	view, err := p.circle(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, adultPage(adultView{circleView: view, New: NewAdult{ID: database.NewID()}}))
}

func (p *Pages) addAdult(w http.ResponseWriter, r *http.Request) error {
	var n NewAdult
	err := p.inHand(r, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		f := r.PostForm
		n = NewAdult{ID: f.Get("id"), Last: f.Get("last"), First: f.Get("first"), Kinship: f.Get("kinship"), Level: Level(f.Get("level"))}
		return h.AddAdult(ctx, tx, s, r.PathValue("pupil"), n)
	})
	if err == nil {
		return page.See(w, r, "/pupils/"+r.PathValue("pupil")+"?done=adult#a-"+n.ID)
	}
	if !typed(err) {
		return failed(err)
	}
	view, err2 := p.circle(r)
	if err2 != nil {
		return err2
	}
	n.Last, n.First = clipped(n.Last, 2*maxName), clipped(n.First, 2*maxName)
	return page.Show(w, r, http.StatusUnprocessableEntity, adultPage(adultView{circleView: view, New: n, Err: err}))
}

func (p *Pages) endLink(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "removed", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.EndLink(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("adult"))
	})
}

// decisionView is the form of a court's decision.
type decisionView struct {
	circleView
	Of  Near
	New NewDecision
	Err error
}

// decided reads the circle and the adult of the path, also one whom the source no
// longer joins: who left the file may come back with the next.
func (p *Pages) decided(r *http.Request) (circleView, Near, error) {
	view, err := p.circle(r)
	if err != nil {
		return view, Near{}, err
	}
	n, ok := view.Adult(r.PathValue("adult"))
	if !ok || n.Person.ID == view.Pupil.ID {
		return view, Near{}, page.NotFound()
	}
	return view, n, nil
}

func (p *Pages) decisionForm(w http.ResponseWriter, r *http.Request) error {
	view, n, err := p.decided(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, decisionPage(decisionView{circleView: view, Of: n, New: NewDecision{ID: database.NewID(), FromOn: view.Day}}))
}

func (p *Pages) recordDecision(w http.ResponseWriter, r *http.Request) error {
	var n NewDecision
	err := p.change(w, r, "decision", r.PathValue("adult"), func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		f := r.PostForm
		n = NewDecision{ID: f.Get("id"), Reference: f.Get("reference"), FromOn: f.Get("from"), UntilOn: f.Get("until")}
		return h.RecordDecision(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("adult"), n)
	})
	if !typed(err) {
		return err
	}
	view, of, err2 := p.decided(r)
	if err2 != nil {
		return err2
	}
	n.Reference = clipped(n.Reference, 2*maxReference)
	return page.Show(w, r, http.StatusUnprocessableEntity, decisionPage(decisionView{circleView: view, Of: of, New: n, Err: err}))
}

func (p *Pages) liftDecision(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "lifted", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.LiftDecision(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("decision"))
	})
}

// objectionView is the form of a written objection.
type objectionView struct {
	circleView
	Reference string
	Err       error
}

func (p *Pages) objectionForm(w http.ResponseWriter, r *http.Request) error {
	view, err := p.circle(r)
	if err != nil {
		return err
	}
	if !view.OfAge {
		return ErrNotOfAge
	}
	return page.Show(w, r, http.StatusOK, objectionPage(objectionView{circleView: view}))
}

func (p *Pages) recordObjection(w http.ResponseWriter, r *http.Request) error {
	err := p.change(w, r, "objection", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.RecordObjection(ctx, tx, s, r.PathValue("pupil"), r.PostForm.Get("reference"))
	})
	if !typed(err) {
		return err
	}
	view, err2 := p.circle(r)
	if err2 != nil {
		return err2
	}
	return page.Show(w, r, http.StatusUnprocessableEntity, objectionPage(objectionView{circleView: view, Err: err, Reference: clipped(r.PostForm.Get("reference"), 2*maxReference)}))
}

func (p *Pages) withdrawObjection(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, "withdrawn", "", func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.WithdrawObjection(ctx, tx, s.ID, r.PathValue("pupil"), r.PathValue("objection"))
	})
}

// closeTask leads back to where the button was: the pupil's page, or the list.
func (p *Pages) closeTask(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	err := p.inHand(r, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.CloseTask(ctx, tx, s.ID, r.PathValue("task"), v.Role, r.PostForm.Get("reason"))
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, page.Local(r.PostForm.Get("next")))
}
