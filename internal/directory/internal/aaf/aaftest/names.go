package aaftest

// Invented surnames; any first name that goes with one is chance.
var surnames = []string{
	"AUBERGINAC", "BRINDEZINGUE", "CALMEVAL", "D'ORNEMARE", "DE LA TREMBLOIRE", "ÉGLANTOT",
	"FAUVIGEON", "GRISEMOTTE", "HAUTBOISEL", "ISNELAGE", "JOLICLERC-NOIX", "KERVADIOU",
	"LŒUILLARD", "MARCHEPOIL", "NOUVELISLE", "ORTOLANI-BEC", "PASSEBOISSE", "QUATREVAULX",
	"ROUGEBOSC", "SOUFFLENUIT", "TOURNEBRIDEAU", "URSANGE", "VENTDOUX", "WASQUEHALLE-LEZ",
	"XAINTONGEAIS", "YVRENCHEUX", "ZÉPHIRIN DES PRÉS", "ÇAÏQUE",
}

var girls = []string{
	"Adèle", "Anaïs", "Béatrice", "Chloé", "Élodie", "Fatou", "Garance", "Hélène", "Inès",
	"Jeanne", "Kaouther", "Léa", "Maëlle", "Noémie", "Ophélie", "Prune", "Rose-Marie",
	"Solène", "Tiphaine", "Zoé",
}

var boys = []string{
	"Aurélien", "Benoît", "Côme", "Désiré", "Émile", "François", "Gaël", "Hugo", "Ismaël",
	"Jean-Loïc", "Kévin", "Loïs", "Mathéo", "Noël", "Octave", "Pacôme", "Rémi", "Stéphane",
	"Théo", "Ulysse",
}

var schoolNames = []string{
	"DES QUATRE VENTS", "DE L'ÉTANG", "ARTS & MÉTIERS", "DU PRÉAU", "DES MARRONNIERS", "DE LA CŒURDRAIE",
}

var towns = []string{"VILLEFICTIVE", "SAINT-NULLEPART", "L'HAY-LES-MOTS", "BOURG-INVENTÉ"}

var regimes = []string{
	"EXTERNE LIBRE", "EXTERNE LIBRE", "EXTERNE SURVEILLE",
	"DEMI-PENSIONNAIRE DANS L'ETABLISSEMENT", "INTERNE DANS L'ETABLISSEMENT",
}

var grades = []string{"6EME", "5EME", "4EME", "3EME", "2DEGT2", "PREMIERE SCIENTIFIQUE SVT", "1CAP2  COIFFURE"}
