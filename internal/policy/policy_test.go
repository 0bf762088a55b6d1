package policy

import (
	"os"
	"testing"
)

// rules are all that is asked of the tree. Each returns every breach it finds,
// as "place: what".
func rules() map[string]func(*tree) []string {
	return map[string]func(*tree) []string{
		"floors":               floorsHold,
		"floors on the page":   floorsListed,
		"layers apart":         layersApart,
		"public without inner": publicWithoutInternal,
		"apps apart":           appsApart,
		"modules at home":      modulesAtHome,
		"houses stand":         housesStand,
		"file sizes":           fileSizes,
		"function sizes":       functionSizes,
		"parameters":           parameters,
		"interfaces":           interfaces,
		"package names":        packageNames,
		"gate on one page":     gateOnOnePage,
		"calls":                bannedCalls,
		"imports":              bannedImports,
		"queries":              queriesAreConstant,
		"one answer writer":    oneAnswerWriter,
		"no init":              noInit,
		"no package state":     noPackageState,
		"tests run":            testsRun,
		"layer shape":          layerShape,
		"app shape":            appShape,
		"documented":           documented,
		"dependencies":         dependenciesHaveReasons,
		"words":                foreignWords,
		"front page":           frontPage,
		"exit codes":           exitCodesListed,
		"migrations":           migrationsGoBack,
		"proofs":               proofsExist,
		"asvs":                 asvsIsWhole,
		"weak packages":        weakPackages,
		"cryptography":         cryptographyListed,
		"connections":          connectionsListed,
		"times of updates":     updatesHaveTimes,
	}
}

func TestPolicy(t *testing.T) {
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	house, err := walkTree(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(house.sources) < 20 {
		t.Fatalf("walked %d Go files below %s: the walk itself is broken", len(house.sources), dir)
	}
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			for _, breach := range rule(house) {
				t.Error(breach)
			}
		})
	}
}
