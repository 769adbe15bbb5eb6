package directory

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/plain"
	"github.com/preau-ent/preau/internal/page"
)

// adultsOnPage is how many adults of a row the form knows; the command knows more.
const adultsOnPage = 4

// readingView is the form that says how an upload is read.
type readingView struct {
	opened
	How   how
	Saved bool // the proposal is what the school said last
	Err   error
}

func (p *Pages) readingForm(w http.ResponseWriter, r *http.Request) error {
	o, err := p.open(r, false)
	if err != nil {
		return err
	}
	if o.Upload.Result != nil {
		return page.See(w, r, "/import/"+o.Upload.ID)
	}
	view := readingView{opened: o, How: o.Upload.How}
	if o.Table == nil {
		return page.Show(w, r, http.StatusOK, readingPage(view))
	}
	if o.Upload.How.Columns != nil {
		proposed(o.Table.Columns, o.Upload.How.Columns)
		return page.Show(w, r, http.StatusOK, readingPage(view))
	}
	if o.School.ID != "" {
		err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
			h, ok, err := savedMapping(ctx, tx, o.School.ID)
			if ok && proposed(o.Table.Columns, h.Columns) {
				view.Saved, view.How.Dialect = true, h.Dialect
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return page.Show(w, r, http.StatusOK, readingPage(view))
}

// saveReading keeps how the upload is to be read, and leads to what it then changes.
func (p *Pages) saveReading(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	o, err := p.open(r, false)
	if err != nil {
		return err
	}
	if o.Upload.Result != nil {
		return page.See(w, r, "/import/"+o.Upload.ID)
	}
	f := r.PostForm
	h := how{AllLegal: f.Get("legal") == "yes", Sheet: clipped(f.Get("sheet"), 60), UAI: strings.ToUpper(strings.TrimSpace(clipped(f.Get("uai"), 20)))}
	if !o.Operator {
		h.UAI = ""
	}
	switch d := f.Get("dialect"); d {
	case "", Before2018, After2018:
		h.Dialect = d
	default:
		return errForm
	}
	u := uploads(p.Uploads)
	back := "/import/" + o.Upload.ID
	if o.Table == nil {
		o.Upload.How = h
		if err := u.write(o.Upload); err != nil {
			return err
		}
		return page.See(w, r, back)
	}
	if o.Table.Sheet != h.Sheet && h.Sheet != "" && len(o.Table.Sheets) > 1 {
		// Another sheet has other columns: they are asked about anew.
		h.Columns = nil
		o.Upload.How = h
		if err := u.write(o.Upload); err != nil {
			return err
		}
		return page.See(w, r, back+"/reading")
	}
	var wrong error
	h.Columns, wrong = columnsOf(o.Table.Columns, f.Get)
	if wrong != nil {
		return page.Show(w, r, http.StatusUnprocessableEntity, readingPage(readingView{opened: o, How: h, Err: wrong}))
	}
	o.Upload.How = h
	if err := u.write(o.Upload); err != nil {
		return err
	}
	return page.See(w, r, back)
}

// columnsOf reads what the form says that each column is, and leaves it in the columns. A
// mapping is kept by names, so a column without one, or with another's, can be nothing.
func columnsOf(columns []plain.Column, get func(string) string) (map[string]string, error) {
	out, count := map[string]string{}, map[string]int{}
	for _, c := range columns {
		count[intake.Fold(c.Name)]++
	}
	var wrong error
	for i := range columns {
		c := &columns[i]
		name := columnField(i)
		c.Field = get(name)
		switch {
		case c.Field == "":
		case !plain.IsField(c.Field):
			return nil, errForm
		case wrong != nil:
		case intake.Fold(c.Name) == "":
			wrong = page.Invalid(name, "directory.reading.unnamed")
		case count[intake.Fold(c.Name)] > 1:
			wrong = page.Invalid(name, "directory.reading.namesake", "name", c.Name)
		case out[c.Field] != "":
			wrong = page.Invalid(name, "directory.reading.twice", "name", out[c.Field])
		default:
			out[c.Field] = c.Name
		}
	}
	if wrong == nil && (out["last"] == "" || out["first"] == "" || out["id"] == "" && out["born"] == "") {
		wrong = page.Invalid("columns", "directory.reading.needs")
	}
	return out, wrong
}

func columnField(i int) string { return "c" + strconv.Itoa(i) }

// fieldWord is what a field is called on the form.
func fieldWord(ctx context.Context, field string) string {
	if who, what, adult := strings.Cut(field, "."); adult {
		return page.T(ctx, "directory.field.adult", "n", strings.TrimPrefix(who, "g"), "what", page.T(ctx, "directory.field.adult."+what))
	}
	return page.T(ctx, "directory.field."+field)
}
