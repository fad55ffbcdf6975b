/* Force and torque of Janus particles over full lists of neighbours, as a C programmer would write it:
   the yardstick of benchmarks/pairs.py. Observer k is entry centres[k]; it has lengths[k] neighbours from starts[k] on. */
#include <math.h>
#include <stdint.h>

void janus_pairs(int threads, long count, double cutoff, double force, double ratio, double screening,
                 double translational, double rotational, const uint32_t *centres, const uint32_t *places,
                 const int64_t *starts, const uint32_t *lengths, const uint32_t *restrict neighbours,
                 const double *restrict x, const double *restrict y, const double *ux, const double *uy,
                 double *vx, double *vy, double *turning)
{
    const double squared_cutoff = cutoff * cutoff, decay = 1.0 / screening;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long k = 0; k < count; k++) {
        const double x0 = x[centres[k]], y0 = y[centres[k]];
        const uint32_t *row = neighbours + starts[k];
        const long length = lengths[k];
        double fx = 0.0, fy = 0.0;
        for (long n = 0; n < length; n++) {
            const double dx = x0 - x[row[n]], dy = y0 - y[row[n]];
            const double q = dx * dx + dy * dy, r = sqrt(q);
            double f = force * r * exp(-decay * r) / (q * q * q);
            f = q < squared_cutoff ? f : 0.0;
            fx += f * dx;
            fy += f * dy;
        }
        const uint32_t place = places[k];
        vx[place] = translational * fx;
        vy[place] = translational * fy;
        turning[place] = rotational * ratio * (ux[place] * fy - uy[place] * fx);
    }
}
