package directory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/plain"
	"github.com/preau-ent/preau/internal/page"
)

// registerImport mounts the pages on which a head, for one school, or an operator brings
// the files of an export, sees what they would change, and has them taken. Taking is the
// only step that changes anything.
func (p *Pages) registerImport(routes *page.Routes) {
	if p.Uploads == "" {
		return
	}
	p.turns = make(chan struct{}, 2) // a large export takes memory while it is read
	small, who := page.Body(64<<10), page.Only(page.Head, page.Operator)
	routes.Handle("GET /import", who, p.imports)
	routes.Handle("POST /import", who, p.bring, page.Body(maxUpload))
	routes.Handle("GET /import/{upload}", who, p.brought)
	routes.Handle("GET /import/{upload}/reading", who, p.readingForm)
	routes.Handle("POST /import/{upload}/reading", who, p.saveReading, small)
	routes.Handle("GET /import/{upload}/difference.csv", who, p.differenceCSV)
	routes.Handle("POST /import/{upload}/take", who, p.take, small, page.Again())
	routes.Handle("POST /import/{upload}/discard", who, p.discard, small)
}

// schoolOf is whose uploads a viewer sees: an operator's belong to no school.
func schoolOf(v page.Viewer) string {
	if v.Role == page.Operator {
		return ""
	}
	return v.School
}

type importsView struct {
	Operator bool
	Waiting  []upload
	Err      error
	Done     string
}

func (p *Pages) imports(w http.ResponseWriter, r *http.Request) error {
	return p.showImports(w, r, http.StatusOK, nil)
}

func (p *Pages) showImports(w http.ResponseWriter, r *http.Request, status int, wrong error) error {
	v, _ := page.ViewerFrom(r.Context())
	all, err := uploads(p.Uploads).of(schoolOf(v), p.Now())
	if err != nil {
		return err
	}
	return page.Show(w, r, status, importsPage(importsView{Operator: v.Role == page.Operator, Waiting: all, Err: wrong, Done: r.URL.Query().Get("done")}))
}

// bring streams what was chosen to the disk, and leads to what is in it.
func (p *Pages) bring(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	u := uploads(p.Uploads)
	all, err := u.of(schoolOf(v), p.Now())
	if err != nil {
		return err
	}
	if n := len(slices.DeleteFunc(all, func(one upload) bool { return one.Result != nil })); n >= maxWaiting {
		return errUploadsWait
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return p.showImports(w, r, http.StatusUnprocessableEntity, errUploadNone)
	}
	one, err := u.receive(parts, upload{School: schoolOf(v), By: v.Account, Name: v.Name, At: database.Stamp(p.Now())})
	if typed(err) {
		return p.showImports(w, r, http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		if errors.Is(err, errUploadBroken) {
			return p.showImports(w, r, http.StatusUnprocessableEntity, errUploadNone)
		}
		return err
	}
	return page.See(w, r, "/import/"+one.ID)
}

// opened is an upload whose files were read, with what they would change.
type opened struct {
	Upload   upload
	Operator bool
	Export   *Export
	Report   ImportReport
	Diffs    []Difference
	Others   int         // schools of the files that are not the viewer's
	Table    *plain.Seen // it is one table, of no known format
	School   School      // the viewer's; none for an operator
	Changed  bool        // it is not what the viewer had seen
	Err      error
	Wrong    map[string]string // by the field of a loss
}

// open reads an upload of the viewer's and compares it with what is there.
func (p *Pages) open(r *http.Request, compare bool) (o opened, err error) {
	ctx := r.Context()
	v, _ := page.ViewerFrom(ctx)
	u := uploads(p.Uploads)
	o.Operator = v.Role == page.Operator
	if o.Upload, err = u.load(r.PathValue("upload"), schoolOf(v)); err != nil {
		return o, failed(err)
	}
	if !o.Operator {
		err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			o.School, err = SchoolByID(ctx, tx, v.School)
			return err
		})
		if err != nil {
			return o, failed(err)
		}
	}
	if o.Upload.Result != nil {
		return o, nil
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return o, ctx.Err()
	}
	now, h := p.Now(), o.Upload.How
	paths := u.paths(o.Upload)
	english := page.Lang(ctx) == "en"
	o.Export, err = ReadExport(ctx, paths, Reading{English: english, Dialect: h.Dialect, UAI: cmp.Or(h.UAI, o.School.UAI), AllLegal: h.AllLegal,
		Columns: h.Columns, Sheet: h.Sheet, Day: now.In(page.Zone(ctx)).Format(time.DateOnly)})
	if err != nil {
		return o, err
	}
	if h.Columns != nil || o.Export.format == "auto" && len(paths) == 1 {
		if err := o.table(paths, h.Sheet, english); err != nil {
			return o, err
		}
	}
	if !o.Operator {
		o.Others = o.Export.only(o.School.UAI)
		if o.Others > 0 && len(o.Export.schools) == 0 && !o.Export.refused {
			o.Export.refused = true
			o.Export.refusals = append(o.Export.refusals, (&intake.Stop{Reason: whyOtherSchool, Args: []any{o.School.UAI}}).Refusal("", english))
		}
	}
	o.Report = o.Export.Report()
	for _, list := range [][]intake.Refusal{o.Report.Refused, o.Report.Remarks} {
		for i := range list {
			list[i].File = shownFile(string(u), list[i].File)
		}
	}
	if compare {
		o.Diffs, err = Differences(ctx, p.DB, o.Export, now)
	}
	return o, err
}

var whyOtherSchool = intake.Why("ces fichiers ne parlent pas de votre établissement (%s) : demandez les siens", "these files say nothing of your school (%s): ask for its own")

// only leaves one school in an export, and says how many others there were.
func (e *Export) only(uai string) int {
	n := len(e.schools)
	e.schools = slices.DeleteFunc(slices.Clone(e.schools), func(s inSchool) bool { return !strings.EqualFold(s.uai, uai) })
	return n - len(e.schools)
}

// table looks at the columns of what is one table.
func (o *opened) table(paths []string, sheet string, english bool) error {
	found, err := intake.Find(paths, english)
	if err != nil {
		return err
	}
	defer found.Close()
	if len(found.Files) != 1 || found.Files[0].Parts == nil && (found.Files[0].FirstRow() == nil || strings.HasPrefix(found.Files[0].Text(), "<")) {
		return nil
	}
	seen, why, err := plain.Look(found.Files[0], sheet, english)
	if err != nil {
		return err
	}
	if why != nil {
		// What is wrong with it says more than that its format is not known.
		o.Export.refusals, o.Export.refused = []intake.Refusal{*why}, true
		if len(seen.Sheets) < 2 {
			return nil // nothing to be said about it helps
		}
	}
	o.Table = &seen
	return nil
}

// shownFile is a file of an upload as the person calls it.
func shownFile(folder, path string) string {
	rel, err := filepath.Rel(folder, path)
	if err != nil || path == "" {
		return path
	}
	if parts := strings.SplitN(filepath.ToSlash(rel), "/", 3); len(parts) == 3 {
		return parts[2]
	}
	return rel
}

// unmapped: nobody said yet what its columns are.
func (o opened) unmapped() bool { return o.Table != nil && o.Upload.How.Columns == nil }

// takes tells whether anything of it can be taken.
func (o opened) takes() bool {
	return slices.ContainsFunc(o.Diffs, func(d Difference) bool { return d.Refused == "" })
}

// seen names what the viewer looks at: the files, how they are read, what they change.
func (o opened) seen() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, x := range []any{o.Upload.Digest, o.Upload.How} {
		if err := enc.Encode(x); err != nil {
			panic("directory: an upload: " + err.Error()) // texts and yes or no
		}
	}
	for _, d := range o.Diffs {
		h.Write([]byte(d.UAI + " " + d.Digest() + " " + d.Refused + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (p *Pages) brought(w http.ResponseWriter, r *http.Request) error {
	o, err := p.open(r, true)
	if err != nil {
		return err
	}
	if o.Upload.Result != nil {
		return page.Show(w, r, http.StatusOK, takenPage(o))
	}
	if o.unmapped() {
		return page.See(w, r, "/import/"+o.Upload.ID+"/reading")
	}
	o.Changed = r.URL.Query().Get("done") == "changed"
	return page.Show(w, r, http.StatusOK, differencePage(o))
}

// take makes the directory what the files say, if that is still what the viewer saw.
func (p *Pages) take(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, _ := page.ViewerFrom(ctx)
	if err := r.ParseForm(); err != nil {
		return err
	}
	o, err := p.open(r, true)
	if err != nil {
		return err
	}
	here := "/import/" + o.Upload.ID
	if o.Upload.Result != nil {
		return page.See(w, r, here)
	}
	u := uploads(p.Uploads)
	if digest, err := u.digest(o.Upload); err != nil {
		return err
	} else if digest != o.Upload.Digest {
		return errors.Join(page.Conflict("directory.import.replaced"), u.remove(o.Upload.ID))
	}
	if r.PostForm.Get("seen") != o.seen() || !o.takes() {
		return page.See(w, r, here+"?done=changed")
	}
	order := Order{By: v.Account, Accepted: map[string][]Loss{}, Seen: map[string]string{}}
	o.Wrong = map[string]string{}
	for _, d := range o.Diffs {
		order.Seen[d.UAI] = d.Digest()
		for _, l := range d.Losses {
			field := lossField(d, l)
			switch typed := strings.TrimSpace(r.PostForm.Get(field)); {
			case d.Refused != "":
			case o.Operator:
				o.Wrong[field] = page.T(ctx, "directory.import.loss.head")
			case typed != strconv.Itoa(l.Lost):
				o.Wrong[field] = page.T(ctx, "directory.import.loss.wrong", "n", l.Lost)
			default:
				order.Accepted[d.UAI] = append(order.Accepted[d.UAI], l)
			}
		}
	}
	if len(o.Wrong) > 0 {
		return page.Show(w, r, http.StatusUnprocessableEntity, differencePage(o))
	}
	now := p.Now()
	before := len(o.Report.Refused)
	report, err := Import(ctx, p.DB, p.Journal, o.Export, order, now)
	if err != nil {
		return failed(err)
	}
	if p.Changed != nil {
		p.Changed()
	}
	if len(report.Refused) > before { // another import came between
		return page.See(w, r, here+"?done=changed")
	}
	if o.Upload.How.Columns != nil {
		if err := p.remember(ctx, v, o, now); err != nil {
			return err
		}
	}
	res := result{Schools: report.Schools, Pupils: report.Pupils, MayBeTold: report.MayBeTold, Changed: report.Changed, At: database.Stamp(now)}
	if err := u.taken(o.Upload, res); err != nil {
		return err
	}
	return page.See(w, r, here)
}

// remember keeps how a table was read for the schools that it was taken for.
func (p *Pages) remember(ctx context.Context, v page.Viewer, o opened, now time.Time) error {
	for _, s := range o.Export.schools {
		var id string
		err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
			school, err := schoolByUAI(ctx, tx, s.uai)
			id = school.ID
			return err
		})
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			err = p.DB.InSchool(ctx, id, func(ctx context.Context, tx database.Tx) error {
				return saveMapping(ctx, tx, id, v.Account, o.Upload.How, now)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) discard(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	one, err := uploads(p.Uploads).load(r.PathValue("upload"), schoolOf(v))
	if err != nil {
		return failed(err)
	}
	if err := uploads(p.Uploads).remove(one.ID); err != nil {
		return err
	}
	return page.See(w, r, "/import?done=discarded")
}

// lossField is the form's field of a loss.
func lossField(d Difference, l Loss) string { return "loss-" + l.What + "-" + d.UAI }

// differenceCSV gives the whole difference as a table, as spreadsheets in French open it.
func (p *Pages) differenceCSV(w http.ResponseWriter, r *http.Request) error {
	o, err := p.open(r, true)
	if err != nil {
		return err
	}
	if o.Upload.Result != nil {
		return page.NotFound()
	}
	ctx := r.Context()
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="difference.csv"`)
	h.Set("Cache-Control", "no-store")
	if _, err := w.Write([]byte("\ufeff")); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	var head []string
	for _, name := range []string{"school", "change", "person", "pupil", "from", "to"} {
		head = append(head, page.Plain(page.T(ctx, "directory.import.csv."+name)))
	}
	rows := [][]string{head}
	for _, d := range o.Diffs {
		for _, part := range partsOf(d) {
			for _, l := range part.Lines {
				row := []string{d.UAI, page.Plain(page.T(ctx, "directory.import.diff."+part.Key, "n", 1)), l.Who, l.Pupil, levelWord(ctx, l.From), levelWord(ctx, l.To)}
				for i := range row {
					row[i] = page.Cell(row[i])
				}
				rows = append(rows, row)
			}
		}
	}
	return out.WriteAll(rows)
}

func levelWord(ctx context.Context, l Level) string {
	if l == "" {
		return ""
	}
	return page.Plain(page.T(ctx, "directory.level."+string(l)))
}

// diffLine is one line of a difference: somebody, and the pupil it is about.
type diffLine struct {
	Who, Pupil string
	From, To   Level
}

// diffPart is one kind of change of a difference.
type diffPart struct {
	Key   string // of its words
	Loses bool   // somebody or something is there no longer
	Lines []diffLine
}

// partsOf orders what changes: who may be told first.
func partsOf(d Difference) []diffPart {
	told := func(of []ToldChange) (out []diffLine) {
		for _, t := range of {
			out = append(out, diffLine{Who: t.Who, Pupil: t.Pupil})
		}
		return out
	}
	links := func(of []LinkChange) (out []diffLine) {
		for _, l := range of {
			out = append(out, diffLine{Who: l.Adult, Pupil: l.Pupil, From: l.From, To: l.To})
		}
		return out
	}
	people := func(names []string) (out []diffLine) {
		for _, n := range names {
			out = append(out, diffLine{Who: n})
		}
		return out
	}
	all := []diffPart{
		{"told.lost", true, told(d.ToldLost)}, {"told.gained", false, told(d.ToldGained)},
		{"links.lost", true, links(d.LinksLost)}, {"links.changed", false, links(d.LinksChanged)}, {"links.gained", false, links(d.LinksGained)},
		{"pupils.left", true, people(d.Pupils.Left)}, {"pupils.added", false, people(d.Pupils.Added)}, {"pupils.changed", false, people(d.Pupils.Changed)},
		{"adults.left", true, people(d.Adults.Left)}, {"adults.added", false, people(d.Adults.Added)}, {"adults.changed", false, people(d.Adults.Changed)},
		{"staff.left", true, people(d.Staff.Left)}, {"staff.added", false, people(d.Staff.Added)}, {"staff.changed", false, people(d.Staff.Changed)},
	}
	return slices.DeleteFunc(all, func(p diffPart) bool { return len(p.Lines) == 0 })
}
