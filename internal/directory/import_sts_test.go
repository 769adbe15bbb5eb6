package directory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
)

const stsFile = `<?xml version="1.0" encoding="UTF-8"?>
<STS_EDT><PARAMETRES><UAJ CODE="0990077A"><DENOM_PRINC>COLLEGE</DENOM_PRINC><DENOM_COMPL>FICTIF</DENOM_COMPL></UAJ></PARAMETRES>
<NOMENCLATURES><MATIERES><MATIERE CODE="020700"><LIBELLE_COURT>FRANC</LIBELLE_COURT></MATIERE></MATIERES></NOMENCLATURES>
<DONNEES><INDIVIDUS>
<INDIVIDU ID="12" TYPE="epp"><NOM_USAGE>CALMEVAL</NOM_USAGE><PRENOM>Hélène</PRENOM><FONCTION>ENS</FONCTION></INDIVIDU>
<INDIVIDU ID="13" TYPE="epp"><NOM_USAGE>ROUX</NOM_USAGE><PRENOM>Ève</PRENOM><FONCTION>ENS</FONCTION></INDIVIDU>
</INDIVIDUS><STRUCTURE><DIVISIONS><DIVISION CODE="6A"><SERVICES><SERVICE CODE_MATIERE="020700"><ENSEIGNANTS><ENSEIGNANT ID="12" TYPE="epp"/></ENSEIGNANTS></SERVICE></SERVICES></DIVISION></DIVISIONS></STRUCTURE></DONNEES></STS_EDT>
`

// Staff and services are taken, the services of the next file replace them, and nobody
// is told anything because of it.
func TestImportOfServices(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
		take := func(text string) directory.ImportReport {
			t.Helper()
			path := filepath.Join(t.TempDir(), "sts_emp_0990077A_2026.xml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := directory.ReadExport(t.Context(), []string{path}, directory.Reading{English: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := directory.Import(t.Context(), db, theJournal(t), e, directory.Order{By: "test"}, now)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		services := func() (out []string) {
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				all, err := directory.Schools(ctx, tx)
				if err != nil {
					return err
				}
				rows, err := directory.Services(ctx, tx, all[0].ID)
				for _, s := range rows {
					p, err := directory.PersonByID(ctx, tx, all[0].ID, s.Staff)
					if err != nil {
						return err
					}
					out = append(out, p.LastName+" "+s.Label)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		r := take(stsFile)
		if r.Format != "sts" || r.Schools != 1 || r.Pupils != 0 || r.MayBeTold != 0 || len(r.Refused) > 0 || r.Changed == 0 {
			t.Fatalf("%+v", r)
		}
		if got := services(); len(got) != 1 || got[0] != "CALMEVAL FRANC" {
			t.Errorf("%v", got)
		}
		if r := take(stsFile); r.Changed != 0 {
			t.Errorf("the same file changed %d rows", r.Changed)
		}
		take(strings.Replace(stsFile, `<ENSEIGNANT ID="12"`, `<ENSEIGNANT ID="13"`, 1))
		if got := services(); len(got) != 1 || got[0] != "ROUX FRANC" {
			t.Errorf("%v", got)
		}
		if r := take(strings.ReplaceAll(stsFile, "STS_EDT>", "EDT_STS>")); len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "way back") || r.Schools != 0 {
			t.Errorf("the way back: %+v", r)
		}
	})
}

// Every format is told from what its files hold.
func TestRostersAndServicesAreRecognised(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"sts":       {"ONE.txt": stsFile},
		"oneroster": {"a.csv": "propertyName,value\nmanifest.version,1.0\n", "users.csv": "sourcedId,givenName\n"},
	} {
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := directory.ReadExport(t.Context(), []string{dir}, directory.Reading{English: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Report().Format; got != name {
			t.Errorf("%s taken for %s", name, got)
		}
	}
}
