package main

import (
	"context"
	"time"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/sync/resource"
	"github.com/argoproj/gitops-engine/pkg/sync/syncwaves"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is an Application in a cluster.
type cluster struct {
	app       *application
	checks    healthChecks
	config    *rest.Config
	kubectl   kube.Kubectl
	cache     cache.ClusterCache
	waveDelay time.Duration
}

func openCluster(o options, app *application, checks healthChecks) (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 500, 1000
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	// the cache keeps whole objects only of those that an Application made
	populate := func(object *unstructured.Unstructured, _ bool) (any, bool) {
		id := object.GetAnnotations()[trackingAnnotation]
		return id, id != ""
	}
	objects := cache.NewClusterCache(config, cache.SetKubectl(kubectl), cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(populate))
	if err := objects.EnsureSynced(); err != nil {
		return nil, err
	}
	return &cluster{app, checks, config, kubectl, objects, o.waveDelay}, nil
}

// liveObjects are those of the manifests and the others that the Application made.
func (c *cluster) liveObjects(targets []*unstructured.Unstructured) (map[kube.ResourceKey]*unstructured.Unstructured, error) {
	return c.cache.GetManagedLiveObjs(targets, func(r *cache.Resource) bool {
		// a controller may copy the annotation to the objects that it makes
		return r.Resource != nil && r.Info == c.app.trackingID(r.Resource)
	})
}

// deleteObjects deletes what the Application made, unless it says `Delete=false`, and waits until it is gone. The last wave
// goes first, and the one before it when nothing of that is left, as with Argo CD.
func (c *cluster) deleteObjects(ctx context.Context) (any, error) {
	type result struct {
		Deleted []string `json:"deleted"`
		Kept    []string `json:"kept"`
	}
	answer := result{[]string{}, []string{}}
	for {
		live, err := c.liveObjects(nil)
		if err != nil {
			return nil, err
		}
		var last []*unstructured.Unstructured
		ending := false
		for _, object := range live {
			if resource.HasAnnotationOption(object, common.AnnotationSyncOptions, common.SyncOptionDisableDeletion) {
				answer.Kept = add(answer.Kept, nameOf(object))
				continue
			}
			ending = ending || object.GetDeletionTimestamp() != nil
			switch wave := syncwaves.Wave(object); {
			case len(last) == 0 || wave > syncwaves.Wave(last[0]):
				last = []*unstructured.Unstructured{object}
			case wave == syncwaves.Wave(last[0]):
				last = append(last, object)
			}
		}
		if len(last) == 0 {
			return answer, nil
		}
		if !ending {
			for _, object := range last {
				answer.Deleted = add(answer.Deleted, nameOf(object))
				policy := metav1.DeletePropagationForeground
				kind := object.GroupVersionKind()
				err := c.kubectl.DeleteResource(ctx, c.config, kind, object.GetName(), object.GetNamespace(), metav1.DeleteOptions{PropagationPolicy: &policy})
				if err != nil && !errors.IsNotFound(err) {
					return nil, err
				}
			}
		}
		time.Sleep(pollInterval)
	}
}

func nameOf(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetName()
}

func add(names []string, name string) []string {
	for _, known := range names {
		if known == name {
			return names
		}
	}
	return append(names, name)
}
