package siecle

import "github.com/preau-ent/preau/internal/directory/internal/intake"

// The file.
var (
	whyRoot      = intake.Why("élément racine « %s » trouvé : ce n'est pas un fichier SIECLE (attendu BEE_ELEVES, BEE_RESPONSABLES, BEE_STRUCTURES ou BEE_NOMENCLATURES)", "root element %q found: this is no SIECLE file (expected BEE_ELEVES, BEE_RESPONSABLES, BEE_STRUCTURES or BEE_NOMENCLATURES)")
	whyNoSIECLE  = intake.Why("aucun fichier SIECLE ici : donnez le dossier ou l'archive qui contient ElevesSansAdresses.xml et ResponsablesAvecAdresses.xml", "no SIECLE file here: give the folder or archive that holds ElevesSansAdresses.xml and ResponsablesAvecAdresses.xml")
	whyNoUAI     = intake.Why("le fichier ne dit pas de quel établissement il vient (PARAMETRES/UAJ) : demandez une nouvelle extraction, ou dites son code avec --uai", "the file does not say which school it is of (PARAMETRES/UAJ): ask for a new export, or say its code with --uai")
	whyUAI       = intake.Why("code d'établissement « %s » illisible : attendu sept chiffres et une lettre ; demandez une nouvelle extraction, ou dites le code avec --uai", "unreadable school code %q: expected seven digits and a letter; ask for a new export, or say the code with --uai")
	whyNothing   = intake.Why("le fichier ne contient pas <%s> : demandez une nouvelle extraction", "the file has no <%s>: ask for a new export")
	whyLong      = intake.Why("valeur de plus de %d octets dans « %s » : le fichier est abîmé", "value of more than %d bytes in %q: the file is damaged")
	whyRepeated  = intake.Why("élément <%s> répété : le fichier est abîmé", "element <%s> repeated: the file is damaged")
	whyTwoYears  = intake.Why("l'établissement %s vient de deux années scolaires, %s et %s (%s) : donnez les fichiers d'une même extraction", "school %s comes from two school years, %s and %s (%s): give the files of one export")
	whyNoPupils  = intake.Why("l'établissement %s n'a pas de fichier d'élèves : ajoutez ElevesSansAdresses.xml ou ElevesAvecAdresses.xml", "school %s has no file of pupils: add ElevesSansAdresses.xml or ElevesAvecAdresses.xml")
	whyStrangers = intake.Why("aucun des %d liens de l'établissement %s ne mène à un élève de ces fichiers : les fichiers viennent de deux extractions différentes", "none of the %d links of school %s leads to a pupil of these files: the files are of two different exports")
)

// The dialect.
var (
	whyTwoDialects = intake.Why("le fichier a RESP_LEGAL (ligne %d) et NIVEAU_RESPONSABILITE (ligne %d) : deux façons opposées de dire qui est représentant légal ; demandez une nouvelle extraction", "the file has RESP_LEGAL (line %d) and NIVEAU_RESPONSABILITE (line %d): two opposed ways of saying who is a legal representative; ask for a new export")
	whyDoubtOld    = intake.Why("RESP_LEGAL=2 était un représentant légal, mais le fichier est par ailleurs d'après le 30 mars 2018, où 2 n'en est plus un : dites ce qu'il en est avec --dialect before-2018 ou --dialect after-2018", "RESP_LEGAL=2 used to be a legal representative, but the file is otherwise of after 30 March 2018, when 2 no longer is one: say which with --dialect before-2018 or --dialect after-2018")
	whyDoubtNew    = intake.Why("NIVEAU_RESPONSABILITE=2 n'est pas un représentant légal, mais le fichier est par ailleurs d'avant le 30 mars 2018, où 2 en était un : dites ce qu'il en est avec --dialect before-2018 ou --dialect after-2018", "NIVEAU_RESPONSABILITE=2 is no legal representative, but the file is otherwise of before 30 March 2018, when 2 was one: say which with --dialect before-2018 or --dialect after-2018")
	whyNoLevel     = intake.Why("responsable sans NIVEAU_RESPONSABILITE ni RESP_LEGAL : on ne peut pas savoir s'il est représentant légal ; corrigez-le dans SIECLE et demandez une nouvelle extraction", "guardian without NIVEAU_RESPONSABILITE or RESP_LEGAL: there is no knowing whether this is a legal representative; correct it in SIECLE and ask for a new export")
	whyLevel       = intake.Why("niveau de responsabilité « %s » inconnu : corrigez-le dans SIECLE et demandez une nouvelle extraction", "unknown level of responsibility %q: correct it in SIECLE and ask for a new export")
)

// The records.
var (
	whyID        = intake.Why("%s « %s » illisible ou absent : corrigez la fiche dans SIECLE et demandez une nouvelle extraction", "%s %q unreadable or missing: correct the record in SIECLE and ask for a new export")
	whyTwice     = intake.Why("deux valeurs de %s dans la même fiche, « %s » et « %s »", "two values of %s in the same record, %q and %q")
	whyDate      = intake.Why("date « %s » illisible : attendu jj/mm/aaaa", "unreadable date %q: expected dd/mm/yyyy")
	whyAnswer    = intake.Why("%s « %s » illisible : attendu 1 ou 0", "%s %q unreadable: expected 1 or 0")
	whyNoName    = intake.Why("élève %s sans nom : corrigez la fiche dans SIECLE et demandez une nouvelle extraction", "pupil %s without a name: correct the record in SIECLE and ask for a new export")
	whyDuplicate = intake.Why("l'identifiant %s a déjà servi pour une fiche différente, %s ligne %d : on ne peut pas savoir laquelle est la bonne", "identifier %s was already used for a different record, %s line %d: there is no knowing which is right")
	whyTwoLinks  = intake.Why("deux liens contradictoires entre l'élève %s et la personne %s, ici et dans %s ligne %d", "two contradicting links between pupil %s and person %s, here and in %s line %d")
	whyMore      = intake.Why("et %d autres refus de même importance, non listés", "and %d more refusals, not listed")
)
