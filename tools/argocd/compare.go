package main

import (
	"sort"

	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/resource"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// manager is the field manager of Argo CD's server-side apply.
	manager        = "argocd-controller"
	compareOptions = "argocd.argoproj.io/compare-options"
	synced         = "Synced"
	outOfSync      = "OutOfSync"
)

type resourceStatus struct {
	Kind            string `json:"kind"`
	Namespace       string `json:"namespace,omitempty"`
	Name            string `json:"name"`
	Sync            string `json:"sync"`
	RequiresPruning bool   `json:"requiresPruning,omitempty"`
	Health          string `json:"health,omitempty"`
	Message         string `json:"message,omitempty"`
	Live            string `json:"live,omitempty"`
	Predicted       string `json:"predicted,omitempty"`
}

type appStatus struct {
	Sync      string           `json:"sync"`
	Health    string           `json:"health"`
	Resources []resourceStatus `json:"resources"`
}

type comparison struct {
	reconciled sync.ReconciliationResult
	diffs      *diff.DiffResultList
	status     appStatus
}

func (c *cluster) status() (appStatus, error) {
	compared, err := c.compare()
	if err != nil {
		return appStatus{}, err
	}
	return compared.status, nil
}

// compare finds what differs: by a dry run of the API server if the Application wants that, by the structured merge of
// server-side apply if it uses that, or else by the three-way diff.
func (c *cluster) compare() (*comparison, error) {
	targets, err := c.app.manifests()
	if err != nil {
		return nil, err
	}
	live, err := c.liveObjects(targets)
	if err != nil {
		return nil, err
	}
	result := sync.Reconcile(targets, live, c.app.Spec.Destination.Namespace, c.cache)
	dryRuns, cleanup, err := kube.ManageServerSideDiffDryRuns(c.config, c.cache.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(), nil)
	if err != nil {
		return nil, err
	}
	defer cleanup()
	diffs, err := diff.DiffArray(result.Target, result.Live,
		diff.WithLogr(logr.Discard()), diff.WithNormalizer(statusless{}), diff.WithManager(manager), diff.WithGVKParser(c.cache.GetGVKParser()),
		diff.WithStructuredMergeDiff(c.app.Spec.SyncPolicy.has("ServerSideApply=true")),
		diff.WithServerSideDiff(c.app.usesServerSideDiff()), diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(dryRuns)))
	if err != nil {
		return nil, err
	}
	compared := &comparison{reconciled: result, diffs: diffs}
	compared.status = appStatus{Sync: synced, Health: string(health.HealthStatusHealthy), Resources: []resourceStatus{}}
	for index, target := range result.Target {
		c.note(&compared.status, target, result.Live[index], diffs.Diffs[index])
	}
	sort.Slice(compared.status.Resources, func(i, j int) bool {
		a, b := compared.status.Resources[i], compared.status.Resources[j]
		return a.Kind+a.Name < b.Kind+b.Name
	})
	return compared, nil
}

// note adds an object to the status. The Application is not out of sync because of an object that is to be pruned and says
// `IgnoreExtraneous`, and its health is the worst of its objects.
func (c *cluster) note(status *appStatus, target, live *unstructured.Unstructured, difference diff.DiffResult) {
	object := live
	if object == nil {
		object = target
	}
	key := kube.GetResourceKey(object)
	noted := resourceStatus{Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Sync: synced}
	noted.RequiresPruning = target == nil
	if target == nil || live == nil || difference.Modified {
		noted.Sync = outOfSync
		isIgnored := target == nil && resource.HasAnnotationOption(object, compareOptions, "IgnoreExtraneous")
		if !isIgnored {
			status.Sync = outOfSync
		}
		if target != nil && live != nil {
			noted.Live, noted.Predicted = string(difference.NormalizedLive), string(difference.PredictedLive)
		}
	}
	if live == nil {
		noted.Health = string(health.HealthStatusMissing)
	} else if found, err := health.GetResourceHealth(live, c.checks); err != nil {
		noted.Health, noted.Message = string(health.HealthStatusUnknown), err.Error()
	} else if found != nil {
		noted.Health, noted.Message = string(found.Status), found.Message
	}
	if noted.Health != "" && target != nil && health.IsWorse(health.HealthStatusCode(status.Health), health.HealthStatusCode(noted.Health)) {
		status.Health = noted.Health
	}
	status.Resources = append(status.Resources, noted)
}

// statusless leaves the status out of a comparison, Argo CD's default for all kinds.
type statusless struct{}

func (statusless) Normalize(object *unstructured.Unstructured) error {
	unstructured.RemoveNestedField(object.Object, "status")
	return nil
}
