package main

import (
	"context"
	"time"

	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const pollInterval = 250 * time.Millisecond

type syncedResource struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Status  string `json:"status"`
	Phase   string `json:"phase,omitempty"`
	Message string `json:"message,omitempty"`
}

type operation struct {
	Phase     string           `json:"phase"`
	Message   string           `json:"message"`
	Retries   int              `json:"retries"`
	Resources []syncedResource `json:"resources"`
}

// operate syncs until the operation has succeeded or its retries are used up. A context that ends leaves it `Running`.
// `only` restricts it to these objects, as a self-heal does.
func (c *cluster) operate(ctx context.Context, only map[kube.ResourceKey]bool) (operation, error) {
	policy := c.app.Spec.SyncPolicy
	for retries := 0; ; retries++ {
		result, err := c.attempt(ctx, only)
		result.Retries = retries
		isOver := result.Phase == string(common.OperationSucceeded) || ctx.Err() != nil
		if err != nil || isOver || (policy.retryLimit() >= 0 && retries >= policy.retryLimit()) {
			return result, err
		}
		delay, err := policy.backoff(retries)
		if err != nil {
			return result, err
		}
		select {
		case <-ctx.Done():
			return result, nil
		case <-time.After(delay):
		}
	}
}

// attempt compares anew before every step, as Argo CD does, so each step sees the objects of that moment.
func (c *cluster) attempt(ctx context.Context, only map[kube.ResourceKey]bool) (operation, error) {
	started := metav1.Now()
	phase, message := common.OperationRunning, ""
	var results []common.ResourceSyncResult
	for {
		compared, err := c.compare()
		if err != nil {
			return operation{}, err
		}
		options := append(c.syncOptions(compared.diffs, only), sync.WithInitialState(phase, message, results, started))
		step, cleanup, err := sync.NewSyncContext("", compared.reconciled, c.config, c.config, c.kubectl,
			c.app.Spec.Destination.Namespace, c.cache.GetOpenAPISchema(), options...)
		if err != nil {
			return operation{}, err
		}
		step.Sync()
		phase, message, results = step.GetState()
		cleanup()
		if phase.Completed() || ctx.Err() != nil {
			return summary(phase, message, results), nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollInterval):
		}
	}
}

func (c *cluster) syncOptions(diffs *diff.DiffResultList, only map[kube.ResourceKey]bool) []sync.SyncOpt {
	policy := c.app.Spec.SyncPolicy
	propagation := metav1.DeletePropagationForeground
	options := []sync.SyncOpt{
		sync.WithLogr(logr.Discard()),
		sync.WithHealthOverride(c.checks),
		sync.WithOperationSettings(false, policy.prunes(), false, len(only) > 0),
		sync.WithSyncWaveHook(func(_ common.SyncPhase, _ int, isFinal bool) error {
			if isFinal {
				return nil
			}
			time.Sleep(c.waveDelay)
			return c.catchUp()
		}),
		sync.WithPruneLast(policy.has(common.SyncOptionPruneLast)),
		sync.WithPrunePropagationPolicy(&propagation),
		sync.WithReplace(policy.has(common.SyncOptionReplace)),
		sync.WithServerSideApply(policy.has(common.SyncOptionServerSideApply)),
		sync.WithServerSideApplyManager(manager),
		sync.WithResourceModificationChecker(policy.has(common.SyncOptionApplyOutOfSyncOnly), diffs),
	}
	if len(only) > 0 {
		options = append(options, sync.WithResourcesFilter(func(key kube.ResourceKey, _, _ *unstructured.Unstructured) bool {
			return only[key]
		}))
	}
	if policy.has("CreateNamespace=true") {
		options = append(options, sync.WithNamespaceModifier(c.modifyNamespace))
	}
	return options
}

// catchUp waits until the cache has the generations of the API server. Argo CD relies on its delay between waves for that: a
// cached object from before the change would count as healthy.
func (c *cluster) catchUp() error {
	for {
		targets, err := c.app.manifests()
		if err != nil {
			return err
		}
		live, err := c.liveObjects(targets)
		if err != nil {
			return err
		}
		isStale := false
		for _, cached := range live {
			current, err := c.kubectl.GetResource(context.TODO(), c.config, cached.GroupVersionKind(), cached.GetName(), cached.GetNamespace())
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			isStale = isStale || (err == nil && current.GetGeneration() != cached.GetGeneration())
		}
		if !isStale {
			return nil
		}
		time.Sleep(pollInterval)
	}
}

// modifyNamespace creates the namespace, and gives it the labels that the Application wants.
func (c *cluster) modifyNamespace(managed, live *unstructured.Unstructured) (bool, error) {
	wanted := c.app.Spec.SyncPolicy.ManagedNamespaceMetadata
	if wanted == nil {
		return live == nil, nil
	}
	managed.SetLabels(wanted.Labels)
	managed.SetAnnotations(map[string]string{common.AnnotationSyncOptions: common.SyncOptionServerSideApply})
	return true, nil
}

func summary(phase common.OperationPhase, message string, results []common.ResourceSyncResult) operation {
	resources := []syncedResource{}
	for _, result := range results {
		resources = append(resources, syncedResource{
			Kind: result.ResourceKey.Kind, Name: result.ResourceKey.Name,
			Status: string(result.Status), Phase: string(result.HookPhase), Message: result.Message,
		})
	}
	return operation{Phase: string(phase), Message: message, Resources: resources}
}
