package scheduler

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func schemas() []store.Schema { return []store.Schema{Schema()} }

func TestSchemaRollsBack(t *testing.T) { storetest.Rollback(t, schemas()) }
