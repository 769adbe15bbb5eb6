package account

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/preau-ent/preau/internal/account/internal/paper"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// handed is a letter and, for a guardian's, the pupil through whom it is handed over.
type handed struct {
	letter
	Class string
	Of    string // names of the pupils of that class
}

// order is a request for the letters of many.
type order struct {
	where
	class string // empty: the whole school
	who   string // guardians, pupils, staff
	again bool   // for those who have not used their letter; else for those who have no account
}

// openClass opens the accounts of many, the pupils, the guardians or the staff, of a class
// or of the whole school, and gives all their letters as a PDF, one page each. "new" is for those who have no account, "again" for those who have not used their
// letter. The codes are shown this once: where this fails half-way, the letters made until
// then are made again.
func (p *People) openClass(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	form := r.PostForm
	o := order{where: whereOf(r), class: form.Get("class"), who: form.Get("who"), again: form.Get("which") == "again"}
	known := slices.Contains([]string{"pupils", "guardians", "staff"}, o.who) && (o.again || form.Get("which") == "new")
	if !known || o.who == "staff" && o.class != "" {
		return page.Invalid("who", "account.people.form.wrong")
	}
	if form.Has("class") && o.class == "" {
		return page.NotFound() // a class that was not chosen is not the whole school
	}
	parts, err := p.partsOf(r.Context(), o)
	if err != nil {
		return notHere(err)
	}
	var out []handed
	done := map[string]bool{} // people: a guardian with children in two classes has one letter
	for _, part := range parts {
		// A transaction a class: the roll of another is not kept waiting by a whole school.
		err := p.DB.InSchool(r.Context(), o.ID, func(ctx context.Context, tx database.Tx) error {
			some, err := p.lettersOf(ctx, tx, r, o, part, done)
			out = append(out, some...)
			return err
		})
		if err != nil {
			return notHere(err)
		}
	}
	back := "/accounts"
	if o.class != "" {
		back += "?class=" + url.QueryEscape(o.class)
	}
	switch {
	case len(out) == 0 && o.class == "":
		return page.See(w, r, back+"?done=none")
	case len(out) == 0:
		return page.See(w, r, back+"&done=none")
	}
	return p.sendPaper(w, r, o, out)
}

// partsOf are the classes whose letters are asked for; one part, of no class, for the staff.
func (p *People) partsOf(ctx context.Context, o order) (parts []directory.Group, err error) {
	if o.who == "staff" {
		return []directory.Group{{}}, nil
	}
	err = p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := classes(ctx, tx, o.ID)
		if err != nil || o.class == "" {
			parts = all
			return err
		}
		one, err := classOf(all, o.class)
		parts = []directory.Group{one}
		return err
	})
	return parts, err
}

// lettersOf makes the letters of one part, in the school's transaction.
func (p *People) lettersOf(ctx context.Context, tx database.Tx, r *http.Request, o order, part directory.Group, done map[string]bool) ([]handed, error) {
	now := p.Now()
	s, day, err := schoolDay(ctx, tx, o.ID, now)
	if err != nil {
		return nil, err
	}
	var people []holder
	role := page.Pupil
	switch o.who {
	case "staff":
		role = page.Teacher
		people, err = staffOf(ctx, tx, o.ID, day)
		people = slices.DeleteFunc(people, func(h holder) bool { return len(h.Accounts) > 0 && h.In(role).ID == "" })
	case "guardians":
		role = page.Guardian
		_, people, err = ofClass(ctx, tx, o.ID, part.ID, day)
	default:
		people, _, err = ofClass(ctx, tx, o.ID, part.ID, day)
	}
	if err != nil {
		return nil, err
	}
	var out []handed
	for _, h := range waiting(people, role, o.again, now) {
		if done[h.Person.ID] {
			continue
		}
		done[h.Person.ID] = true
		l, err := p.letter(ctx, tx, r, o.where, s, h.Person, role, Period{From: day})
		if err != nil {
			return nil, err
		}
		l.Lang = h.Person.Lang
		out = append(out, handed{letter: l, Class: part.Label, Of: h.Of})
	}
	return out, nil
}

// sendPaper sends letters as a PDF, each in the language of whoever reads it.
func (p *People) sendPaper(w http.ResponseWriter, r *http.Request, o order, all []handed) error {
	lang := page.Lang(r.Context())
	letters := make([]paper.Letter, len(all))
	for i, l := range all {
		letters[i] = onPaper(inLanguage(r, l), l)
	}
	title := page.T(r.Context(), "account.letter.title")
	var file bytes.Buffer
	if err := paper.Write(&file, paper.Document{Title: all[0].School.Name + " · " + title, Lang: lang, Made: p.Now()}, letters); err != nil {
		return err
	}
	name := page.T(r.Context(), "account.letters.file."+o.who)
	if o.class != "" {
		name += "-" + foldIdentifier(all[0].Class)
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", "attachment; filename=\""+name+".pdf\"")
	h.Set("Content-Length", strconv.Itoa(file.Len()))
	h.Set("Cache-Control", "no-store")
	_, err := file.WriteTo(w)
	return err
}

// inLanguage is the request's context in the language of whoever reads a letter: their own,
// else the school's.
func inLanguage(r *http.Request, l handed) context.Context {
	for _, lang := range []string{l.Lang, l.School.Lang} {
		if slices.Contains(page.Languages(), lang) {
			return page.InLanguage(r.Context(), lang)
		}
	}
	return r.Context()
}

// onPaper puts a letter into words.
func onPaper(ctx context.Context, l handed) paper.Letter {
	out := paper.Letter{
		School: l.School.Name, For: l.Name, Hello: page.T(ctx, "account.letter.hello"), Why: page.T(ctx, "account.letter.why"),
		Facts: []paper.Fact{
			{Name: page.T(ctx, "account.letter.address"), Value: l.Address + "/first-sign-in"},
			{Name: page.T(ctx, "account.code"), Value: l.Code},
			{Name: page.T(ctx, "account.identifier.yours"), Value: l.Account.Identifier},
		},
		After: []string{page.T(ctx, "account.letter.how"), page.T(ctx, "account.letter.until", "date", page.DateYear(ctx, l.Account.CodeExpiresAt)), page.T(ctx, "account.letter.secret")},
	}
	if text := handText(ctx, l); text != "" {
		out.Hand = append(out.Hand, text)
	}
	if l.School.Phone != "" {
		out.After = append(out.After, page.T(ctx, "account.letter.phone", "phone", l.School.Phone))
	}
	return out
}
