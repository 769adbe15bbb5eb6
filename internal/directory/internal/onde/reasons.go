package onde

import "github.com/preau-ent/preau/internal/directory/internal/intake"

var (
	whyHeader    = intake.Why("les colonnes ne sont pas celles d'un fichier ONDE d'élèves, de responsables ou d'enseignants : demandez une nouvelle extraction", "the columns are not those of an ONDE file of pupils, guardians or teachers: ask for a new export")
	whyNothing   = intake.Why("le fichier n'a que son en-tête : demandez une nouvelle extraction", "the file has nothing but its header: ask for a new export")
	whyTruncated = intake.Why("fichier tronqué : sa dernière ligne s'arrête au milieu ; copiez-le de nouveau ou demandez une nouvelle extraction", "truncated file: its last line stops in the middle; copy it again or ask for a new export")
	whyLong      = intake.Why("valeur de plus de %d octets : le fichier est abîmé", "value of more than %d bytes: the file is damaged")
	whyRows      = intake.Why("plus de %d lignes : ce n'est pas l'export d'une école", "more than %d rows: this is not the export of one school")
	whyTwoTables = intake.Why("deuxième fichier d'élèves, de responsables ou d'enseignants, après %s : donnez une école à la fois", "second file of pupils, guardians or teachers, after %s: give one school at a time")
	whyNoPupils  = intake.Why("aucun fichier d'élèves : ajoutez CSVExtraction-eleves.csv", "no file of pupils: add CSVExtraction-eleves.csv")
	whyNoName    = intake.Why("ligne sans nom : corrigez la fiche dans ONDE et demandez une nouvelle extraction", "row without a name: correct the record in ONDE and ask for a new export")
	whyDate      = intake.Why("date de naissance « %s » illisible : attendu aaaa-mm-jj", "unreadable date of birth %q: expected yyyy-mm-dd")
	whyTwins     = intake.Why("même identifiant « %s » que la ligne %d, avec un autre nom : on ne peut pas savoir lequel est le bon", "same identifier %q as line %d, with another name: there is no knowing which is right")
)
