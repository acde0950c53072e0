# gnuplot fixed-flops-pairs-over-flops.gnuplot   draws fixed-flops-pairs-over-flops.svg and fixed-flops-pairs-over-flops.png from fixed-flops-pairs-over-flops.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead outside right
set title 'simzrr, a simulated stand-in: unknown exposure and white balance'
set logscale x
set grid
set xrange [20:*] noextend
set xlabel 'GFLOP of a 12 MP photo; points but plain are moved apart'
set ylabel 'PSNR, dB (95 % intervals over seeds)'
plot 'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9):(substr(strcol('variant'),1,5) eq 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorlines lw 2 pt 7 ps 0.7 lc 'black' title 'plain, wider and wider', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.050):(strcol('variant') eq 'hyper-constant' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 1 pt 5 ps 1 title 'hyper-constant', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.103):(strcol('variant') eq 'hyper-layer' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 2 pt 6 ps 1 title 'hyper-layer', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.158):(strcol('variant') eq 'hyper-image' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 3 pt 7 ps 1 title 'hyper-image', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.216):(strcol('variant') eq 'squeeze-excitation' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 4 pt 8 ps 1 title 'squeeze-excitation', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.276):(strcol('variant') eq 'film' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 5 pt 9 ps 1 title 'film', \
  'fixed-flops-pairs-over-flops.csv' using (column('flops_total_12mp')/1e9*1.340):(strcol('variant') eq 'colour-affine' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 6 pt 10 ps 1 title 'colour-affine'
set terminal svg size 900,600 dynamic background 'white'
set output 'fixed-flops-pairs-over-flops.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'fixed-flops-pairs-over-flops.png'
replot
