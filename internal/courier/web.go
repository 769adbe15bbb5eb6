package courier

import (
	"context"
	"embed"
	"net/http"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/httpsms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages shows the letters as their readers got them.
type Pages struct {
	DB      *database.DB
	Courier *Courier
	Now     func() time.Time
	// Demo opens the page to everybody, signed in or not, and shows addresses. It is
	// for an installation whose people are all fictional, and has no effect where
	// letters can really leave.
	Demo bool
	// Adults counts the persons of a school's office: where there is one, the operator is
	// the second.
	Adults func(ctx context.Context, tx database.Tx, school string) (int, error)
}

// Register mounts /courrier. Outside a demonstration it is for the school's office.
func (p *Pages) Register(routes *page.Routes) {
	rule := page.SchoolOffice()
	if p.open() {
		rule = page.Anyone()
	}
	routes.Handle("GET /courrier", rule, p.show)
	p.registerDoors(routes)
	// Providers over HTTP call here; who they are, their secret says.
	routes.Handle("GET /carriers/{carrier}/{secret}", page.Anyone(), p.called, page.FromMemory())
	routes.Handle("POST /carriers/{carrier}/{secret}", page.Anyone(), p.called, page.FromMemory(), page.Body(httpsms.MostCallback+1))
}

func (p *Pages) open() bool { return p.Demo && p.Courier.Carriers().Pretended() }

// shown is how many letters a page shows.
const shown = 100

// post is what the page shows.
type post struct {
	Now      time.Time
	Pretend  bool
	Explains bool // the viewer may read why each was written
	Letters  []piece
	More     bool
}

// piece is one letter with its reader.
type piece struct {
	Letter  Letter
	To      directory.Person
	Address string // in a demonstration only
	School  string // where several are shown
	Zone    *time.Location
	Pretend bool
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) error {
	v, signedIn := page.ViewerFrom(r.Context())
	view := post{Now: p.Now(), Pretend: p.Courier.Carriers().Pretended(), Explains: signedIn && page.SchoolOffice().Allows(v.Role)}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		schools, err := p.schools(ctx, tx, v)
		if err != nil {
			return err
		}
		for _, s := range schools {
			pieces, err := p.pieces(ctx, tx, s, len(schools) > 1)
			if err != nil {
				return err
			}
			view.Letters = append(view.Letters, pieces...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(view.Letters, func(a, b piece) int { return b.Letter.LeavingAt.Compare(a.Letter.LeavingAt) })
	if len(view.Letters) > shown {
		view.Letters, view.More = view.Letters[:shown], true
	}
	return page.Show(w, r, http.StatusOK, postPage(view))
}

// schools are the viewer's own; in a demonstration somebody without a school sees all.
func (p *Pages) schools(ctx context.Context, tx database.Tx, v page.Viewer) ([]directory.School, error) {
	if v.School != "" {
		s, err := directory.SchoolByID(ctx, tx, v.School)
		return []directory.School{s}, err
	}
	if !p.open() {
		return nil, page.NotFound()
	}
	return directory.Schools(ctx, tx)
}

func (p *Pages) pieces(ctx context.Context, tx database.Tx, s directory.School, several bool) ([]piece, error) {
	zone, err := s.Location()
	if err != nil {
		return nil, err
	}
	letters, err := Recent(ctx, tx, s.ID, shown+1)
	if err != nil {
		return nil, err
	}
	var people, points []string
	for _, l := range letters {
		people, points = append(people, l.Person), append(points, l.Contact)
	}
	names, err := directory.People(ctx, tx, s.ID, people)
	if err != nil {
		return nil, err
	}
	var addresses map[string]directory.ContactPoint
	if p.open() {
		if addresses, err = directory.PointsByID(ctx, tx, s.ID, points); err != nil {
			return nil, err
		}
	}
	pieces := make([]piece, len(letters))
	for i, l := range letters {
		pieces[i] = piece{Letter: l, To: names[l.Person], Address: addresses[l.Contact].Raw, Zone: zone, Pretend: p.Courier.Carriers().Pretended()}
		if several {
			pieces[i].School = s.Name
		}
	}
	return pieces, nil
}
